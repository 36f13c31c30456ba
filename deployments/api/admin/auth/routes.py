"""Routes of ``/auth``: login, refresh, logout and change of the own password."""

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
        """Returns tokens for a name and a password. 401 if they are wrong, 429 after too many failures."""
        address = client_address(request.scope)
        account = await accounts.authenticate(body.username, body.password.get_secret_value(), address)
        return _reply(await tokens.issue(account, address))

    @router.post("/refresh")
    async def refresh(body: RefreshRequest, request: Request) -> TokenReply:
        """Returns a new pair for a refresh token, which can be used once. 401 if it is invalid; a second use ends the
        sign-in."""
        address = client_address(request.scope)
        return _reply(await tokens.refresh(body.refresh_token.get_secret_value(), address))

    @router.post("/logout", status_code=204)
    async def logout(caller: Caller) -> None:
        """Ends this sign-in. Its access and refresh tokens become invalid."""
        await tokens.end_sign_in(caller)

    @router.get("/me")
    async def me(caller: Caller) -> SignedInUser:
        """Returns the signed-in user."""
        return SignedInUser(
            username=caller.username, role=caller.role, must_change_password=caller.must_change_password
        )

    @router.get("/status")
    async def status() -> AuthStatus:
        """Returns whether a token is needed, and the lifetime of an access token."""
        return AuthStatus(jwt_expiration_hours=tokens.lifetimes.access_s / _SECONDS_PER_HOUR)

    @router.post("/password")
    async def password(body: PasswordChangeRequest, caller: Caller) -> TokenReply:
        """Changes the own password. Ends all sign-ins of the user, also in the panel, and starts a new one."""
        old, new = body.old.get_secret_value(), body.new.get_secret_value()
        account = await accounts.change_password(caller.username, old, new, caller.address)
        return _reply(await tokens.issue(account, caller.address))

    return router


def _reply(pair: TokenPair) -> TokenReply:
    return TokenReply(**asdict(pair))
