"""Links: what is accepted, what an error names, and that parsing and formatting are inverse."""

from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxies.errors import LinkInvalid
from proxies.links import ProxyLink, fingerprint, masked_host, parse_link, parse_links
from proxies.plain_proxy import PlainProxy
from proxies.vless import VlessLink
from tests.proxies.links import BASE, EXAMPLES, GRPC_TLS, PUBLIC_KEY, REALITY, TCP, USER_ID, WS_TLS

HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,20}[a-z0-9])?){1,3}", fullmatch=True),
    st.ip_addresses().map(str),
)
PORTS = st.integers(1, 65_535)
PRINTABLE = st.text(st.characters(min_codepoint=33, exclude_categories=("C", "Z")), max_size=100)
PATHS = PRINTABLE.map(lambda text: f"/{text}")


@st.composite
def vless_links(draw: st.DrawFn) -> VlessLink:
    security = draw(st.sampled_from(["none", "tls", "reality"]))
    transport = draw(st.sampled_from(["tcp", "grpc"] if security == "reality" else ["tcp", "ws", "grpc"]))
    fields: dict[str, object] = {}
    if security != "none":
        fields |= {"server_name": draw(HOSTS), "fingerprint": draw(st.sampled_from(["", "chrome", "randomized"]))}
    if security == "tls":
        fields["alpn"] = draw(st.sampled_from([(), ("h2",), ("http/1.1",), ("h2", "http/1.1")]))
    if security == "reality":
        key = urlsafe_b64encode(draw(st.binary(min_size=32, max_size=32))).decode().rstrip("=")
        short_id = draw(st.binary(max_size=8)).hex()
        fields |= {"public_key": key, "short_id": short_id, "spider_x": draw(st.one_of(st.just(""), PATHS))}
    if transport == "tcp" and security != "none":
        fields["flow"] = draw(st.sampled_from(["", "xtls-rprx-vision"]))
    if transport == "ws":
        fields |= {"path": draw(st.one_of(st.just(""), PATHS)), "host_header": draw(st.one_of(st.just(""), HOSTS))}
    if transport == "grpc":
        fields |= {"service_name": draw(PRINTABLE), "multi_mode": draw(st.booleans())}
    if fields.get("server_name", "").count(":"):  # type: ignore[attr-defined]
        fields["server_name"] = "name.example"
    if fields.get("host_header", "").count(":"):  # type: ignore[attr-defined]
        fields["host_header"] = "name.example"
    return VlessLink(
        user_id=str(draw(st.uuids())),
        host=draw(HOSTS),
        port=draw(PORTS),
        name=draw(PRINTABLE),
        transport=transport,  # type: ignore[arg-type]
        security=security,  # type: ignore[arg-type]
        **fields,  # type: ignore[arg-type]
    )


@st.composite
def plain_proxies(draw: st.DrawFn) -> PlainProxy:
    scheme = draw(st.sampled_from(["http", "socks5"]))
    credentials = st.text(st.characters(min_codepoint=33, exclude_characters=":", exclude_categories=("C", "Z")))
    username = draw(credentials.filter(lambda text: len(text.encode()) < 200))
    password = draw(PRINTABLE.filter(lambda text: len(text.encode()) < 200)) if username else ""
    return PlainProxy(scheme, draw(HOSTS), draw(PORTS), username, password, draw(PRINTABLE))  # type: ignore[arg-type]


@given(st.one_of(vless_links(), plain_proxies()))
def test_link_format_and_parse_are_inverse(link: ProxyLink) -> None:
    assert parse_link(link.format()) == link


@given(st.text(max_size=300))
def test_link_parser_raises_only_link_invalid(text: str) -> None:
    for candidate in (text, f"{BASE}?{text}", f"vless://{text}", f"socks5://{text}"):
        with suppress(LinkInvalid):
            assert parse_link(parse_link(candidate).format())


@pytest.mark.parametrize(
    ("text", "parameter", "reason"),
    [
        ("", "link", "begins with"),
        ("vmess://abc", "link", "vmess:// is not supported"),
        (f"vless://{USER_ID}@h.example", "port", "missing"),
        (f"vless://{USER_ID}@h.example:0", "port", "1 to 65535"),
        (f"vless://{USER_ID}@:1", "host", "id@host:port"),
        (f"vless://{USER_ID}@2001:db8::1:443", "host", "brackets"),
        (f"vless://{USER_ID}@[::zz]:443", "host", "id@host:port"),
        (f"vless://{USER_ID}@300.1.1.1:443", "host", "IPv4"),
        (f"vless://{USER_ID}@-bad-.example:443", "host", "invalid"),
        ("vless://nobody@h.example:1", "id", "UUID"),
        (f"{BASE}?typ=tcp", "typ", "unknown parameter"),
        (f"{BASE}?Security=tls", "Security", "unknown parameter"),
        (f"{BASE}?type=kcp", "type", "tcp, raw, ws, grpc"),
        (f"{BASE}?security=xtls", "security", "none, tls, reality"),
        (f"{BASE}?encryption=aes", "encryption", "none"),
        (f"{BASE}?headerType=http", "headerType", "none"),
        (f"{BASE}?security=tls&allowInsecure=1", "allowInsecure", "valid certificate"),
        (f"{BASE}?security=tls&security=none", "security", "twice"),
        (f"{BASE}?security=reality", "pbk", "needs it"),
        (f"{BASE}?security=reality&pbk=short", "pbk", "43 characters"),
        (f"{BASE}?security=reality&type=ws&pbk={PUBLIC_KEY}", "security", "type=ws"),
        (f"{BASE}?security=reality&pbk={PUBLIC_KEY}&sid=abc", "sid", "even number"),
        (f"{BASE}?security=reality&pbk={PUBLIC_KEY}&alpn=h2", "alpn", "security=tls"),
        (f"{BASE}?security=tls&pbk={PUBLIC_KEY}", "pbk", "security=reality"),
        (f"{BASE}?flow=xtls-rprx-vision", "flow", "security is none"),
        (f"{BASE}?type=ws&security=tls&flow=xtls-rprx-vision", "flow", "type=tcp"),
        (f"{BASE}?sni=a.example", "sni", "security=tls or reality"),
        (f"{BASE}?security=tls&fp=netscape", "fp", "chrome"),
        (f"{BASE}?security=tls&alpn=h3", "alpn", "h2 or http/1.1"),
        (f"{BASE}?path=%2Fx", "path", "type=ws"),
        (f"{BASE}?type=ws&path=x", "path", "begins with /"),
        (f"{BASE}?type=ws&mode=gun", "mode", "type=grpc"),
        (f"{BASE}?type=tcp&serviceName=x", "serviceName", "type=grpc"),
        (f"{BASE}?type=grpc&serviceName=%zz", "serviceName", "hexadecimal"),
        (f"{BASE}?type=grpc&serviceName=%00", "serviceName", "control"),
        (f"{BASE}#%ff", "name", "UTF-8"),
        (f"{BASE}#a b", "link", "spaces"),
        ("socks5://h.example", "port", "missing"),
        ("http://h.example:80?x=1", "link", "no parameters"),
        ("socks5://:secret@h.example:1", "user", "user name"),
    ],
)
def test_link_error_names_the_parameter(text: str, parameter: str, reason: str) -> None:
    with pytest.raises(LinkInvalid, match=reason) as caught:
        parse_link(text)
    assert caught.value.parameter == parameter
    assert USER_ID not in caught.value.message


def test_link_values_are_read() -> None:
    link = parse_link(REALITY)
    assert isinstance(link, VlessLink)
    assert (link.name, link.spider_x, link.kind) == ("Берлин", "/start", "vless tcp reality")
    assert parse_link(f"vless://{USER_ID}@Пример.РФ:443").host == "xn--e1afmkfd.xn--p1ai"
    assert parse_link(f"vless://{USER_ID.upper()}@[2001:DB8:0::1]:443").format() == (
        f"vless://{USER_ID}@[2001:db8::1]:443?type=tcp&security=none"
    )
    harmless = "encryption=none&headerType=none&allowInsecure=0&type=raw&security=tls&sni=&fp=chrome"
    assert parse_link(f"{BASE}?{harmless}") == parse_link(f"{BASE}?security=tls&fp=chrome")
    plain = parse_link("socks5h://us%40er:p%3Ass@proxy.example:1080#мой")
    assert isinstance(plain, PlainProxy)
    assert (plain.scheme, plain.username, plain.password, plain.name) == ("socks5", "us@er", "p:ss", "мой")


def test_link_repr_and_mask_have_no_secret() -> None:
    for text in (*EXAMPLES.values(), "http://user:secret-word@secret-host.example.org:3128#x"):
        link = parse_link(text)
        shown = repr(link) + masked_host(link) + fingerprint(link) + link.kind
        assert not [secret for secret in link.secrets if len(secret) > 3 and secret in shown]


@pytest.mark.parametrize("packed", [False, True, "url-safe"])
def test_subscription_is_read_line_by_line(packed: bool | str) -> None:
    text = f"\ufeff# my links\r\n{REALITY}\r\n\r\n{TCP}\nvless://broken\n{TCP}\n{WS_TLS}\n{GRPC_TLS}\n"
    if packed:
        encode = urlsafe_b64encode if packed == "url-safe" else b64encode
        text = encode(text.encode()).decode().rstrip("=")
        text = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    lines = parse_links(text)
    assert [line.line for line in lines] == [2, 4, 5, 6, 7, 8]
    assert [line.link is not None for line in lines] == [True, True, False, False, True, True]
    assert "twice" in lines[3].error
    with pytest.raises(LinkInvalid, match="longer"):
        parse_links("x" * 200_001)
