import asyncio
from uuid import uuid4
from collections import Counter
from tests.api.test_refund_requests import paid, ask
async def test_hammer(house, paid):
    seen=Counter()
    for _ in range(15):
        key=str(uuid4())
        async def later(i):
            await asyncio.sleep(i*0.01)
            return await ask(house, paid, {"amount":"0.10"}, key)
        for a in await asyncio.gather(*(later(i) for i in range(20))):
            seen[(a.status_code, a.text if a.status_code!=202 else "")]+=1
    print(seen)
    o=await house.order(paid["orderId"]); print(len(o["refunds"]))
    assert 0
