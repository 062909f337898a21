"""`newsclust notify`: who is told of a night, and a trial of whether it arrives."""

import os
from typing import Annotated

import typer

from newsclust.cli.shared import Config, console, settings_of, table
from newsclust.errors import NewsclustError, SettingsError


def notify(
    config: Config = None,
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every address.")] = False,
    ping: Annotated[
        bool, typer.Option("--ping", help="Request notify.ping, too: who waits for it takes it for a good night.")
    ] = False,
) -> None:
    """Show who is told of a night and when; with --test send each a message and say whether it was taken."""
    from newsclust.notify import Delivery, address_name, address_problem, remember_deliveries, send, trial
    from newsclust.notify import ping as request_ping

    settings = settings_of(config)
    to = [address.get_secret_value() for address in settings.notify.to]
    if not to and not settings.notify.ping:
        raise SettingsError("nobody is told: `to` and `ping` of [notify] are empty (docs/settings.md)")
    deliveries: list[Delivery] = []
    if test:
        deliveries += send([trial()], settings, os.environ)
        remember_deliveries(settings, deliveries)
    if ping and (pinged := request_ping(settings, os.environ)):
        deliveries.append(pinged)
    if test or ping:
        rows = [[delivery.address, delivery.error or "taken"] for delivery in deliveries]
    else:
        rows = [
            [address_name(number, text), address_problem(text, os.environ) or ", ".join(settings.notify.on)]
            for number, text in enumerate(to, start=1)
        ]
        if settings.notify.ping:
            rows.append(["notify.ping", "after each good night"])
    console().print(table("", ["address", "outcome" if test or ping else "is told of"], rows))
    if failed := [delivery for delivery in deliveries if delivery.error is not None]:
        raise NewsclustError(f"{len(failed)} of {len(deliveries)} addresses did not take it")
