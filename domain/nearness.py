"""How near a warehouse is to a customer: counted in provinces that a parcel has to cross."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Who borders on whom, each border once; Hainan and Taiwan by the ferry.
_BORDERS = """
    北京 天津 河北
    天津 河北
    河北 山西 内蒙古 辽宁 山东 河南
    山西 内蒙古 河南 陕西
    内蒙古 辽宁 吉林 黑龙江 陕西 甘肃 宁夏
    辽宁 吉林
    吉林 黑龙江
    上海 江苏 浙江
    江苏 浙江 安徽 山东
    浙江 安徽 福建 江西
    安徽 江西 山东 河南 湖北
    福建 江西 广东 台湾
    江西 湖北 湖南 广东
    山东 河南
    河南 湖北 陕西
    湖北 湖南 重庆 陕西
    湖南 广东 广西 重庆 贵州
    广东 广西 海南 香港 澳门
    广西 贵州 云南
    重庆 四川 贵州 陕西
    四川 贵州 云南 西藏 陕西 甘肃 青海
    贵州 云南
    云南 西藏
    西藏 青海 新疆
    陕西 甘肃 宁夏
    甘肃 青海 宁夏 新疆
    青海 新疆
"""

# Addresses come in either script.
_LATIN = {
    "beijing": "北京",
    "tianjin": "天津",
    "hebei": "河北",
    "shanxi": "山西",
    "inner mongolia": "内蒙古",
    "nei mongol": "内蒙古",
    "liaoning": "辽宁",
    "jilin": "吉林",
    "heilongjiang": "黑龙江",
    "shanghai": "上海",
    "jiangsu": "江苏",
    "zhejiang": "浙江",
    "anhui": "安徽",
    "fujian": "福建",
    "jiangxi": "江西",
    "shandong": "山东",
    "henan": "河南",
    "hubei": "湖北",
    "hunan": "湖南",
    "guangdong": "广东",
    "guangxi": "广西",
    "hainan": "海南",
    "chongqing": "重庆",
    "sichuan": "四川",
    "guizhou": "贵州",
    "yunnan": "云南",
    "tibet": "西藏",
    "xizang": "西藏",
    "shaanxi": "陕西",
    "gansu": "甘肃",
    "qinghai": "青海",
    "ningxia": "宁夏",
    "xinjiang": "新疆",
    "hong kong": "香港",
    "macau": "澳门",
    "macao": "澳门",
    "taiwan": "台湾",
}

_ENDING = re.compile(
    r"((壮族|回族|维吾尔)?自治区|特别行政区|[省市]| (sheng|shi|province|municipality|city))$"
)


def _neighbours() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in _BORDERS.split("\n"):
        here, *others = line.split() or [""]
        for other in others:
            found.setdefault(here, set()).add(other)
            found.setdefault(other, set()).add(here)
    return found


_NEIGHBOURS = _neighbours()

# Farther than any two provinces are from each other.
FAR = len(_NEIGHBOURS)


def distance(province: str, other: str) -> int:
    """How many borders lie between two provinces; `FAR` for a place that is not on the map."""
    start, goal = _plain(province), _plain(other)
    if start == goal:
        return 0
    reached, edge, steps = {start}, {start}, 0
    while edge:
        steps += 1
        edge = {near for here in edge for near in _NEIGHBOURS.get(here, ())} - reached
        if goal in edge:
            return steps
        reached |= edge
    return FAR


def nearest_first(province: str, warehouses: Mapping[str, str]) -> list[str]:
    """The ids of `warehouses` (province by id), nearest to `province` first, then by id."""
    return sorted(
        warehouses,
        key=lambda warehouse_id: (distance(province, warehouses[warehouse_id]), warehouse_id),
    )


def _plain(province: str) -> str:
    name = _ENDING.sub("", province.strip().casefold())
    return _LATIN.get(name, name)
