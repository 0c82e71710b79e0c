"""Those who bring text and push messages: Twilio, Alibaba Cloud, Google, and browsers."""

from __future__ import annotations

from sandbox.simulator.messaging.aliyun import AliyunSms
from sandbox.simulator.messaging.fcm import Fcm
from sandbox.simulator.messaging.twilio import Twilio
from sandbox.simulator.messaging.web_push import WebPushService
from sandbox.simulator.world import World

__all__ = ["AliyunSms", "Fcm", "Messengers", "Twilio", "WebPushService"]


class Messengers:
    """All of them, and what people at the other end do."""

    def __init__(self, world: World) -> None:
        self.twilio = Twilio(world)
        self.aliyun = AliyunSms(world)
        self.fcm = Fcm(world)
        self.web_push = WebPushService(world)

    @property
    def parties(self) -> tuple[Twilio, AliyunSms, Fcm, WebPushService]:
        """The parties, for the application."""
        return self.twilio, self.aliyun, self.fcm, self.web_push
