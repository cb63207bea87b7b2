"""Which word of the audit log a request is recorded under, by its method and the name of its address.

`tests/security/test_audit_routes.py` compares this with all addresses: a new one needs a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: Why a change is recorded after it, and not in one transaction with it.
TELLS: Final = "it talks to somebody else meanwhile, who may be slow, and whom nothing takes the message back from"
STORE: Final = "it reads or writes ClickHouse meanwhile, which may be slow and takes part in no transaction"
BRAKE: Final = "an agent must be stoppable, and let go again, even when the log cannot be written"

UNNAMED: Final = "request.other"
UNLISTED: Final = "nobody has said yet what it is"


@dataclass(frozen=True, slots=True)
class Route:
    """`word`, unless the posted field `by` says which of `words`; '' there records nothing. `apart`: why it is."""

    word: str = UNNAMED
    by: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    apart: str = ""

    def of(self, sent: Mapping[str, object]) -> str:
        """The word of a request with these fields, '' if it is none to be recorded."""
        said = str(sent.get(self.by, "")) if self.by else ""
        return self.words.get(said.partition("-")[0], self.word)

    def every(self) -> set[str]:
        return {self.word, *self.words.values()} - {""}


def switched(thing: str, **more: str) -> dict[str, str]:
    """The buttons that most things have."""
    changed = f"{thing}.changed"
    return {"enable": changed, "disable": changed, "on": changed, "off": changed, "delete": f"{thing}.deleted", **more}


INCIDENT: Final = {
    "acknowledge": "incident.acknowledged",
    "unacknowledge": "incident.unacknowledged",
    "resolve": "incident.resolved",
    "reopen": "incident.reopened",
    "snooze": "incident.snoozed",
    "wake": "incident.woken",
    "note": "incident.noted",
}

#: What is in none of the lists below.
OTHER: Final = Route(apart=UNLISTED)

#: "METHOD name" → how it is recorded.
CHANGES: Final[dict[str, Route]] = {
    "POST api-keys": Route("key.created"),
    "POST api-key-rotate": Route("key.rotated"),
    "DELETE api-key": Route("key.revoked"),
    "POST api-prices": Route("price.created"),
    "PUT api-price": Route("price.changed"),
    "PATCH api-price": Route("price.changed"),
    "DELETE api-price": Route("price.deleted"),
    "POST price-set": Route("price.changed", "id", {"": "price.created"}),
    "POST price-delete": Route("price.deleted"),
    "POST api-repricings": Route("repricing.started", apart=STORE),
    "POST reprice": Route("repricing.started", apart=STORE),
    "POST api-alert-rules": Route("rule.created"),
    "PATCH api-alert-rule": Route("rule.changed"),
    "DELETE api-alert-rule": Route("rule.deleted"),
    "POST api-alert-rule-restore": Route("rule.restored"),
    "POST api-alert-rule-reset": Route("rule.changed"),
    "POST rule-new": Route("rule.created"),
    "POST rule": Route("rule.changed"),
    "POST rule-do": Route("rule.changed", "do", switched("rule", duplicate="rule.created", restore="rule.restored")),
    "POST api-channels": Route("channel.created"),
    "PATCH api-channel": Route("channel.changed"),
    "DELETE api-channel": Route("channel.deleted"),
    "POST api-channel-restore": Route("channel.restored"),
    "POST api-channel-test": Route("channel.tested", apart=TELLS),
    "POST channels": Route("channel.created"),
    "POST channel": Route("channel.changed"),
    "POST channel-act": Route(
        "channel.changed", "do", switched("channel", test="channel.tested", restore="channel.restored"), apart=TELLS
    ),
    "POST api-routes": Route("route.created"),
    "POST api-routes-order": Route("route.changed"),
    "PATCH api-route": Route("route.changed"),
    "DELETE api-route": Route("route.deleted"),
    "POST routing": Route("route.changed", "edit", {"": "route.created"}),
    "POST routing-undo": Route("route.created"),
    "POST route-act": Route("route.changed", "do", {"delete": "route.deleted"}),
    "POST api-silences": Route("silence.created"),
    "PATCH api-silence": Route("silence.changed"),
    "DELETE api-silence": Route("silence.ended"),
    "POST silences": Route("silence.created", "do", {"preview": ""}, apart=STORE),
    "POST silence-undo": Route("silence.created"),
    "POST silence-end": Route("silence.ended"),
    **{f"POST api-incident-{act}": Route(word) for act, word in INCIDENT.items() if act != "note"},
    "POST api-incident-notes": Route("incident.noted"),
    "POST incident-act": Route("incident.noted", "do", INCIDENT),
    "POST incidents-acknowledge": Route(
        "incident.acknowledged", "unacknowledge", {"": "incident.acknowledged"}, apart=STORE
    ),
    "POST incident-halt": Route("halt.ordered", apart=BRAKE),
    "POST api-halts": Route("halt.ordered", apart=BRAKE),
    "POST api-halt-lift": Route("halt.lifted", apart=BRAKE),
    "POST brake-halt": Route("halt.ordered", apart=BRAKE),
    "POST brake-lift": Route("halt.lifted", apart=BRAKE),
    "POST api-breakers": Route("breaker.opened", apart=BRAKE),
    "POST api-breaker-release": Route("breaker.released", apart=BRAKE),
    "POST brake-open": Route("breaker.opened", apart=BRAKE),
    "POST brake-release": Route("breaker.released", apart=BRAKE),
    "POST api-budgets": Route("budget.created", apart=BRAKE),
    "PATCH api-budget": Route("budget.changed", apart=BRAKE),
    "DELETE api-budget": Route("budget.deleted", apart=BRAKE),
    "POST api-budget-restore": Route("budget.restored", apart=BRAKE),
    "POST brake-budget-save": Route("budget.changed", "id", {"": "budget.created"}, apart=BRAKE),
    "POST brake-budget": Route("budget.changed", "do", switched("budget", restore="budget.restored"), apart=BRAKE),
    "PUT api-detector": Route("detector.changed"),
    "POST detector": Route("detector.changed"),
    "POST api-backtests": Route("backtest.started", apart=STORE),
    "POST detector-backtest": Route("backtest.started", apart=STORE),
    "POST api-finding-confirm": Route("finding.confirmed", apart=STORE),
    "POST api-finding-dismiss": Route("finding.dismissed", apart=STORE),
    "POST api-finding-undo": Route("finding.undone", apart=STORE),
    "POST finding-judge": Route(
        "finding.confirmed", "do", {"dismiss": "finding.dismissed", "undo": "finding.undone"}, apart=STORE
    ),
    "PATCH api-limits": Route("limits.changed"),
    "POST limits": Route("limits.changed"),
    "POST api-redaction-rules": Route("redaction.changed"),
    "PATCH api-redaction-rule": Route("redaction.changed"),
    "DELETE api-redaction-rule": Route("redaction.changed"),
    "POST redaction": Route("redaction.changed", "do", {"preview": ""}),
    "PUT api-retention": Route("retention.changed", apart=STORE),
    "POST retention": Route("retention.changed", apart=STORE),
    "POST api-saved-views": Route("view.saved"),
    "PATCH api-saved-view": Route("view.changed"),
    "DELETE api-saved-view": Route("view.deleted"),
    "POST api-saved-view-restore": Route("view.saved"),
    "POST view-save": Route("view.saved"),
    "POST view-change": Route("view.changed", "do", {"delete": "view.deleted", "restore": "view.saved"}),
    "PUT api-capture": Route("capture.changed"),
    "POST api-deletions": Route("data.deletion_ordered", apart=STORE),
    "POST privacy": Route("capture.changed", "do", {"look": "", "delete": "data.deletion_ordered"}, apart=STORE),
    "POST api-organisations": Route("organisation.created"),
    "PATCH api-organisation": Route("organisation.renamed"),
    "DELETE api-organisation": Route("organisation.deleted"),
    "POST organisation-delete": Route("organisation.deleted"),
    "POST organisation-create": Route("organisation.created"),
    "POST organisation-rename": Route("organisation.renamed"),
    "POST api-projects": Route("project.created"),
    "PATCH api-project": Route("project.renamed"),
    "POST project-create": Route("project.created"),
    "POST project-rename": Route("project.renamed"),
    "POST api-project-deletion": Route("project.deletion_ordered", apart=STORE),
    "DELETE api-project-deletion": Route("project.restored"),
    "POST project-delete": Route("project.deletion_ordered", apart=STORE),
    "POST project-restore": Route("project.restored"),
    "PATCH api-member": Route("member.role_changed"),
    "DELETE api-member": Route("member.removed"),
    "POST member-project-role": Route("member.role_changed"),
    "POST member-role": Route("member.role_changed"),
    "POST member-remove": Route("member.removed"),
    "POST api-invitations": Route("invitation.created", apart=TELLS),
    "DELETE api-invitation": Route("invitation.revoked"),
    "POST api-invitation-resend": Route("invitation.resent", apart=TELLS),
    "POST invitation-create": Route("invitation.created", apart=TELLS),
    "POST invitation-resend": Route("invitation.resent", apart=TELLS),
    "POST invitation-revoke": Route("invitation.revoked"),
    "POST join": Route("invitation.accepted"),
    "POST key-create": Route("key.created"),
    "POST key-rotate": Route("key.rotated"),
    "POST key-revoke": Route("key.revoked"),
    "POST api-sql": Route("sql.asked", apart=STORE),
}

#: "METHOD name" of what is not recorded → why.
LEFT_OUT: Final[dict[str, str]] = {
    "POST api-alert-rules-preview": "tries a rule on the past and stores nothing",
    "POST rule-try": "tries a rule on the past and stores nothing",
    "POST api-routes-try": "says who would be told and stores nothing",
    "POST api-silences-preview": "says what a silence would cover and stores nothing",
    "POST api-redaction-preview": "shows what rules take out of a text and stores nothing",
    **dict.fromkeys(
        [
            "POST login",
            "PUT login",
            "POST account_login",
            "PUT account_login",
            "POST mfa_authenticate",
            "POST logout",
            "POST account-password",
            "POST account-sessions",
            "POST account-oidc",
            "POST account_reauthenticate",
            "PUT account_reauthenticate",
            "POST mfa_reauthenticate",
            "PUT mfa_reauthenticate",
            "POST mfa_activate_totp",
            "PUT mfa_activate_totp",
            "POST mfa_deactivate_totp",
            "PUT mfa_deactivate_totp",
            "POST mfa_generate_recovery_codes",
            "PUT mfa_generate_recovery_codes",
        ],
        "recorded by `login_events`, which knows whose it was and how it ended",
    ),
}

#: Names of addresses whose reading is recorded → their words.
READS: Final[dict[str, str]] = {
    "sql": "sql.asked",
    "api-export": "export.downloaded",
    "api-trace-export": "trace.downloaded",
    "span-download": "payload.downloaded",
    "api-audit-export": "audit.exported",
    "audit-export": "audit.exported",
}

#: Fields whose values are kept, where they are short: what was set; never a secret.
KEPT: Final = frozenset({
    "agent", "by", "days", "do", "enabled", "expires_in_hours", "for", "format", "halts", "kind", "limit", "measure",
    "min_severity", "mode", "name", "overlap_hours", "payload_days", "role", "scope", "scopes", "severity", "shared",
    "slug", "span_days", "state", "tool", "tool_call_days", "warn",
    "spans_per_second", "burst", "bytes_per_second",
})  # fmt: skip
#: Never named: they are the form's own.
OF_FORMS: Final = frozenset({"csrfmiddlewaretoken", "next"})
