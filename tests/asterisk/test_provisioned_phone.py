"""A phone registers with what its file says, and with nothing else that it was told."""

from pathlib import Path

import pytest

from demo.phone import Phone, RegistrationRefused
from tests.core.test_provisioning import cfg, elements, linphone
from tests.house import House


def said(file: Path) -> tuple[str, str, str]:
    """User, secret and server, as the phone of that make reads them."""
    text = file.read_text()
    if file.suffix == ".cfg":
        keys = cfg(text)
        server = f"{keys['account.1.sip_server.1.address']}:{keys['account.1.sip_server.1.port']}"
        return keys["account.1.user_name"], keys["account.1.password"], server
    if "<settings>" in text:
        keys = elements(text)
        return keys["user_name"], keys["user_pass"], keys["user_outbound"].partition(";")[0]
    if "<gs_provision" in text:
        keys = elements(text)
        return keys["P35"], keys["P34"], keys["P47"]
    keys = linphone(text)
    server = keys["proxy_0/reg_proxy"].removeprefix("<sip:").partition(";")[0]
    return keys["auth_info_0/username"], keys["auth_info_0/passwd"], server


@pytest.mark.parametrize("make", ["yealink", "snom", "grandstream", "linphone"])
async def test_a_phone_registers_with_exactly_what_its_file_says(house: House, tmp_path: Path, make: str) -> None:
    asked = ("agents", "provision", "p105", "--make", make, "--to", str(tmp_path / "phones"))
    code, answer = await house.cli(*asked, "--port-offset", str(house.offset))
    assert code == 0, answer
    [file] = (tmp_path / "phones").iterdir()
    user, secret, server = said(file)
    host, _, port = server.rpartition(":")
    async with Phone((host, int(port)), user, secret) as phone:
        await phone.register()
    async with Phone((host, int(port)), user, secret[:-1]) as stranger:
        with pytest.raises(RegistrationRefused):
            await stranger.register()
