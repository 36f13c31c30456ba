"""VLESS links, plain proxies, the core program (xray or v2ray) that speaks VLESS, and the choice among several links.

Nothing here knows providers or bots: ``deployments/proxy_pool.py`` connects both.
"""
