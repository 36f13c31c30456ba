"""Sign in, stay signed in, sign out, change one's password."""

from dataclasses import asdict

from fastapi import APIRouter, Request

from deployments.administration.auth.accounts import Accounts
from deployments.administration.auth.client_addresses import client_address
from deployments.administration.auth.token_service import TokenPair, TokenService
from deployments.api.admin.auth.schemas import (
    AuthStatus,
    LoginRequest,
    PasswordChangeRequest,
    RefreshRequest,
    SignedInUser,
    TokenReply,
)
from deployments.api.admin.request_identity import Caller

_SECONDS_PER_HOUR = 3_600


def auth_router(accounts: Accounts, tokens: TokenService) -> APIRouter:
    router = APIRouter(prefix="/auth", tags=["auth"])

    @router.post("/login")
    async def login(body: LoginRequest, request: Request) -> TokenReply:
        """Tokens for a name and a password. 401 when they do not fit, 429 after too many failures."""
        address = client_address(request.scope)
        account = await accounts.authenticate(body.username, body.password.get_secret_value(), address)
        return _reply(await tokens.issue(account, address))

    @router.post("/refresh")
    async def refresh(body: RefreshRequest, request: Request) -> TokenReply:
        """Another pair for a refresh token, which is then used up. 401 when it is not good, or was used before: then
        the whole sign-in has ended."""
        address = client_address(request.scope)
        return _reply(await tokens.refresh(body.refresh_token.get_secret_value(), address))

    @router.post("/logout", status_code=204)
    async def logout(caller: Caller) -> None:
        """Ends this sign-in: its access and refresh tokens are worth nothing from now on."""
        await tokens.end_sign_in(caller)

    @router.get("/me")
    async def me(caller: Caller) -> SignedInUser:
        """Who is signed in."""
        return SignedInUser(
            username=caller.username, role=caller.role, must_change_password=caller.must_change_password
        )

    @router.get("/status")
    async def status() -> AuthStatus:
        """Whether a token is needed, and how long one is good for."""
        return AuthStatus(jwt_expiration_hours=tokens.lifetimes.access_s / _SECONDS_PER_HOUR)

    @router.post("/password")
    async def password(body: PasswordChangeRequest, caller: Caller) -> TokenReply:
        """Changes one's own password. Every sign-in ends, also in the panel; the reply begins a new one."""
        old, new = body.old.get_secret_value(), body.new.get_secret_value()
        account = await accounts.change_password(caller.username, old, new, caller.address)
        return _reply(await tokens.issue(account, caller.address))

    return router


def _reply(pair: TokenPair) -> TokenReply:
    return TokenReply(**asdict(pair))
