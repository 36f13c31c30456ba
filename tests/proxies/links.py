"""Links for tests. The keys belong to nobody."""

USER_ID = "11111111-2222-3333-4444-555555555555"
PUBLIC_KEY = "jNXHt1yRo0vDuchQlIP6Z0ZvjT3KtzVI-T4E7RoLJS0"
BASE = f"vless://{USER_ID}@secret-host.example.org:443"
REALITY = (
    f"{BASE}?type=tcp&security=reality&flow=xtls-rprx-vision&sni=www.example.com&fp=firefox"
    f"&pbk={PUBLIC_KEY}&sid=0a1b&spx=%2Fstart#%D0%91%D0%B5%D1%80%D0%BB%D0%B8%D0%BD"
)
WS_TLS = (
    f"{BASE}?type=ws&security=tls&sni=cdn.example.com&host=front.example.com&path=%2Fapi%3Fed%3D2048&alpn=http%2F1.1"
)
GRPC_TLS = f"vless://{USER_ID}@[2001:db8::7]:8443?type=grpc&security=tls&sni=g.example.com&serviceName=gun&mode=multi"
TCP = f"vless://{USER_ID}@10.0.0.7:8080?type=tcp&security=none"
EXAMPLES = {"reality": REALITY, "ws": WS_TLS, "grpc": GRPC_TLS, "tcp": TCP}
