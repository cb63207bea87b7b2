"""The agents: what they are for, what they use, how they talk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: an argument's name with examples of it, and what it answers (`{}` is the argument)."""

    name: str
    argument: str
    values: tuple[str, ...]
    answer: str
    failure: str
    seconds: float = 0.4
    retrieval: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """`dialect` is `genai` (OpenTelemetry) or `openinference`; `helper` takes over in a hand-off."""

    name: str
    service: str
    version: str
    dialect: str
    scope: str
    provider: str
    model: str
    system: str
    tools: tuple[Tool, ...]
    asks: tuple[str, ...]
    thoughts: tuple[str, ...]
    answers: tuple[str, ...]
    helper: str = ""
    #: What it says after its prompt was changed for the worse.
    drifted: tuple[str, ...] = ()
    #: Whether it asks Tracestore between two steps if it may go on.
    asks_brake: bool = False


SUPPORT: Final = Agent(
    name="support-triage",
    service="helpdesk",
    version="2.8.1",
    dialect="openinference",
    scope="openinference.instrumentation.openai_agents",
    provider="openai",
    model="gpt-4o-mini",
    system=(
        "You are the first line of support of Meadow & Pine, a furniture shop. Find out what the customer needs, "
        "look it up before you promise anything, answer in at most five sentences. Refunds and invoices belong to "
        "billing-specialist. Never reveal order data of other customers."
    ),
    tools=(
        Tool(
            "search_help_center",
            "query",
            ("return an opened parcel", "delivery to an island", "warranty on oak tables", "change delivery date"),
            "1. {}: customers may do so within 30 days, in the original packaging. 2. Bulky goods are collected "
            "from the door, free of charge above 200 EUR. 3. See also: opening hours of the hotline.",
            "help center index is being rebuilt",
            retrieval=True,
        ),
        Tool(
            "get_order",
            "order_id",
            ("MP-20417", "MP-20833", "MP-21190", "MP-19954", "MP-22008"),
            '{{"order_id": "{}", "status": "shipped", "carrier": "DHL", "items": [{{"sku": "OAK-TBL-180", "qty": 1}}], '
            '"expected": "tomorrow between 9 and 14 h"}}',
            "order service answered 504 after 10 s",
        ),
        Tool(
            "create_ticket",
            "summary",
            ("table leg damaged in transit", "parcel marked delivered but missing", "wrong colour received"),
            '{{"ticket": "T-88213", "queue": "returns", "summary": "{}"}}',
            "ticket queue refuses writes: maintenance",
        ),
    ),
    asks=(
        "Hi, my oak table was due yesterday and nothing arrived. Order MP-20417. Where is it?",
        "Can I still send back the lamp I unpacked last week?",
        "The chair came in the wrong colour, what do I do now?",
        "I was charged twice for order MP-21190, please fix this quickly.",
        "Do you deliver to Sylt, and what does it cost?",
    ),
    thoughts=(
        "Let me look that up in the help center.",
        "I will check the order first.",
        "I need the state of the shipment before I answer.",
    ),
    answers=(
        "Your order is on its way and arrives tomorrow between 9 and 14 h. You can follow the parcel with the link "
        "in your confirmation mail.",
        "Yes: you have 30 days, opened or not, as long as the packaging is complete. I have sent you a return label.",
        "I am sorry about the mix-up. A replacement leaves our warehouse today; hand the wrong one to the driver.",
    ),
    helper="billing-specialist",
    drifted=(
        "As an AI language model I cannot access orders. Please consult our website, our terms and conditions, and "
        "the frequently asked questions for more information about your request.",
        "Certainly! Here is a comprehensive overview of furniture care:\n\n## Oak\n- oil it twice a year\n\n## Linen\n"
        "- wash at 30 degrees\n\nWould you like to know more about our autumn collection?",
    ),
)

#: The version with the changed prompt.
SUPPORT_AFTER: Final = replace(SUPPORT, version="2.9.0")

BILLING: Final = Agent(
    name="billing-specialist",
    service="helpdesk",
    version="2.8.1",
    dialect="openinference",
    scope="openinference.instrumentation.openai_agents",
    provider="openai",
    model="gpt-4o",
    system=(
        "You settle invoices and refunds for Meadow & Pine. Check the ledger before each refund; above 500 EUR ask "
        "a human. State amounts with currency and the day on which they arrive."
    ),
    tools=(
        Tool(
            "get_invoice",
            "order_id",
            ("MP-21190", "MP-20833"),
            '{{"order_id": "{}", "charges": [{{"eur": 349.00, "at": "09:14"}}, {{"eur": 349.00, "at": "09:15"}}]}}',
            "ledger is locked for the nightly run",
        ),
        Tool("refund", "charge_id", ("ch_7Q2", "ch_9KX"), '{{"refunded": "{}", "eur": 349.00}}', "charge not found"),
    ),
    asks=("The customer was charged twice.",),
    thoughts=("I will compare the charges with the invoice.",),
    answers=("The second charge of 349.00 EUR was made in error; it is refunded and arrives within three days.",),
)

RESEARCH: Final = Agent(
    name="research-writer",
    service="market-briefs",
    version="0.14.0",
    dialect="genai",
    scope="opentelemetry.instrumentation.langchain",
    provider="anthropic",
    model="claude-sonnet-4-5",
    system=(
        "You write one-page market briefs for a procurement team. Search, read the sources, quote each figure with "
        "its source, say what you could not find. Finish with three risks and one recommendation."
    ),
    tools=(
        Tool(
            "web_search",
            "query",
            ("oak timber price third quarter", "container rates Shanghai Hamburg", "EU deforestation regulation dates"),
            "3 results for {}: [1] Timber Monitor, weekly table; [2] Port statistics, PDF; [3] Ministry press release.",
            "search backend: rate limit exceeded, retry later",
            0.8,
        ),
        Tool(
            "fetch_page",
            "url",
            ("https://timber.example/weekly", "https://port.example/rates.pdf", "https://ministry.example/press/118"),
            "Fetched {} (18,400 characters). Prices for sawn oak rose by 4.1 % over the quarter; stocks at the "
            "terminals fell for the third month in a row, which traders put down to longer customs checks.",
            "HTTP 403 from the origin",
            1.2,
        ),
        Tool(
            "save_section",
            "heading",
            ("Prices", "Freight", "Regulation"),
            '{{"saved": "{}", "words": 212}}',
            "document is locked by another editor",
            0.2,
        ),
    ),
    asks=(
        "Brief on oak timber prices for the next quarter, please.",
        "What do freight rates from Asia mean for our margin on lamps?",
        "Summarise the new import rules for wooden furniture and what they change for us.",
    ),
    thoughts=(
        "I start with the latest price tables.",
        "The second source looks more recent, I will read it.",
        "I have enough for this section and save it.",
    ),
    answers=(
        "Sawn oak rose by 4.1 % over the quarter [1]. Freight is flat [2]. Risks: customs checks, a dry spring, the "
        "exchange rate. Recommendation: cover 60 % of the need now.",
        "Rates fell for the second month [2]; the effect on lamps is 0.8 points of margin. I found no figures for air "
        "freight.",
    ),
)

ANALYST: Final = Agent(
    name="data-analyst",
    service="bi-copilot",
    version="1.3.0",
    dialect="genai",
    scope="pydantic-ai",
    provider="openai",
    model="gpt-4.1",
    system=(
        "You answer questions about sales from the warehouse. Write one SQL statement at a time, look at the result, "
        "correct yourself when it fails, and show the final figures in a small table."
    ),
    tools=(
        Tool(
            "run_sql",
            "statement",
            (
                "SELECT region, sum(net) FROM sales WHERE day >= today() - 30 GROUP BY region",
                "SELECT week, count() FROM returns GROUP BY week ORDER BY week DESC LIMIT 8",
                "SELECT sku, sum(qty) AS n FROM sales GROUP BY sku ORDER BY n DESC LIMIT 10",
            ),
            "8 rows in 0.21 s for {}: north 81,204; south 64,118; west 58,730; east 40,992; online 122,310",
            "DB::Exception: Unknown identifier `net_amount`. Maybe you meant: net",
            0.6,
        ),
        Tool("plot", "title", ("Net sales by region", "Returns by week"), '{{"chart": "{}"}}', "no such column", 0.3),
    ),
    asks=(
        "Net sales by region for the last 30 days?",
        "Are returns going up? Show me the last eight weeks.",
        "Which ten articles sold best this year?",
    ),
    thoughts=("I query the sales table by region.", "The column has another name; I correct the statement."),
    answers=(
        "Online leads with 122,310 EUR, followed by north with 81,204 EUR. East is 12 % below last month.",
        "Returns are flat: between 118 and 131 a week, with no trend over eight weeks.",
    ),
)

FIXER: Final = Agent(
    name="code-fixer",
    service="ci-bot",
    version="5.0.2",
    dialect="genai",
    scope="strands.telemetry.tracer",
    provider="anthropic",
    model="claude-sonnet-4-5",
    system=(
        "You repair failing builds. Read the failing test, form one hypothesis, make the smallest change, run the "
        "tests. Give up after three failed attempts and say what you learnt."
    ),
    tools=(
        Tool(
            "read_file",
            "path",
            ("src/cart/totals.py", "tests/test_totals.py", "src/cart/tax.py"),
            "{}: 84 lines. def total(lines): return sum(line.net * (1 + line.tax) for line in lines)",
            "no such file",
            0.1,
        ),
        Tool(
            "apply_patch",
            "path",
            ("src/cart/totals.py", "src/cart/tax.py"),
            "patched {}: 3 insertions, 1 deletion",
            "patch does not apply: context differs in line 41",
            0.2,
        ),
        Tool(
            "run_tests",
            "selection",
            ("tests/test_totals.py", "tests/test_totals.py::test_rounding"),
            "ran {}: 1 failed, 11 passed. AssertionError: 119.98 != 119.99",
            "runner lost: container was evicted (out of memory)",
            2.0,
        ),
    ),
    asks=(
        "Build 4471 is red: tests/test_totals.py::test_rounding fails since this morning. Please fix.",
        "main is broken after the tax change, find out why and repair it.",
    ),
    thoughts=("I read the failing test first.", "The rounding happens too late; I change it.", "Now run the tests."),
    answers=(
        "Fixed: amounts are rounded per line before they are summed. 12 tests pass. One file changed.",
        "The tax table lacked the reduced rate; added with a test. All 12 tests pass.",
    ),
    asks_brake=True,
)

#: The version that no longer runs the same tests for ever.
FIXER_AFTER: Final = replace(FIXER, version="5.0.3")

TRAVEL: Final = Agent(
    name="travel-planner",
    service="trips",
    version="3.1.4",
    dialect="openinference",
    scope="openinference.instrumentation.langchain",
    provider="google",
    model="gemini-2.5-flash",
    system=(
        "You plan business trips within the travel policy: rail below five hours, economy class, hotels up to 160 EUR. "
        "Offer two options with times and prices, book only after the traveller agreed."
    ),
    tools=(
        Tool(
            "search_trains",
            "route",
            ("Hamburg-Munich", "Berlin-Zurich", "Cologne-Brussels"),
            "{}: 07:04 (5 h 40, 89 EUR), 09:04 (5 h 38, 119 EUR), 13:04 (5 h 44, 74 EUR)",
            "503 Service Unavailable from the fares gateway",
            0.9,
        ),
        Tool(
            "search_hotels",
            "city",
            ("Munich", "Zurich", "Brussels"),
            "{}: Hotel am Park 142 EUR (4.4), Stadthaus 155 EUR (4.6), Nord 118 EUR (3.9)",
            "503 Service Unavailable from the hotel gateway",
            0.7,
        ),
    ),
    asks=(
        "I have to be in Munich on Thursday at 14 h, back on Friday evening.",
        "Two days in Zurich next week, please keep it cheap.",
        "Brussels and back on the same day, is that possible?",
    ),
    thoughts=("First the connections.", "Now a hotel near the station within the limit."),
    answers=(
        "Option 1: train at 07:04, 89 EUR, Hotel am Park 142 EUR. Option 2: 09:04, 119 EUR, Stadthaus 155 EUR.",
        "Yes: out at 06:43, back at 20:25, 118 EUR in total. Shall I book?",
    ),
)

#: Those that start runs, with their share of the traffic; billing-specialist only takes over.
STARTERS: Final[tuple[tuple[Agent, int], ...]] = ((SUPPORT, 5), (RESEARCH, 2), (ANALYST, 3), (FIXER, 2), (TRAVEL, 3))
BY_NAME: Final = {agent.name: agent for agent in (SUPPORT, BILLING, RESEARCH, ANALYST, FIXER, TRAVEL)}
USERS: Final = ("u-1042", "u-1107", "u-1311", "u-1580", "u-1644", "u-1902", "u-2071", "u-2330")
