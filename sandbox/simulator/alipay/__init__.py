"""Alipay, OpenAPI 2.0: `alipay.trade.*` over one gateway address, RSA2 and notifications."""

from sandbox.simulator.alipay.party import Alipay

__all__ = ["Alipay"]
