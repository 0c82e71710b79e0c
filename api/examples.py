"""The examples on the API's documentation page."""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {
    "customerId": "CUST_10086",
    "customerInfo": {
        "name": "张三",
        "email": "zhangsan@shop.example.com",
        "phone": "+8613800138000",
        "address": {
            "street": "文三路 90 号东部软件园 3 幢 502 室",
            "city": "杭州市",
            "district": "西湖区",
            "province": "浙江省",
            "postalCode": "310012",
            "country": "CN",
        },
    },
    "items": [{"productId": "P1001", "sku": "TEA-LJ-100", "quantity": 2, "unitPrice": "88.00"}],
    "currency": "CNY",
    "paymentMethod": "stripe",
    "specialInstructions": "工作日送货",
}

PLACED: dict[str, Any] = {
    "orderId": "O2V5K8ZTQ3M1N7P4R6S9W0X2Y4A",
    "orderNumber": "ORD2611217654321",
    "status": "pending",
    "paymentStatus": "pending",
    "shippingStatus": "pending",
    "pricing": {
        "subtotal": "176.00",
        "shipping": "0.00",
        "tax": "0.00",
        "discount": "0.00",
        "total": "176.00",
        "currency": "CNY",
    },
    "payment": {
        "paymentId": "P4C7D0F3G6H9J2K5M8N1P4Q7R0S",
        "gateway": "stripe",
        "amount": "176.00",
        "currency": "CNY",
        "action": {"type": "client_secret", "value": "pi_3Q…_secret_8x…"},
        "expiresAt": "2026-11-21T11:15:00Z",
    },
    "shortages": [],
    "warnings": [],
}

REFUSED: dict[str, Any] = {
    "errors": [
        {
            "code": "email_invalid",
            "field": "customerInfo.email",
            "message": "this is no e-mail address: check its spelling",
        },
        {
            "code": "required",
            "field": "items[0].quantity",
            "message": "send a whole number from 1 to 10000",
        },
    ],
    "warnings": [],
}
