"""The wording of orders to a model, by family: patterns, and pieces that make a text worth looking at.

Pure. One family alone stands in many harmless texts; two of different kinds close together rarely do. Bare words
("jailbreak", "system") are in no family: content filters and security articles are full of them. Languages:
English, German, Spanish, French, Italian, Portuguese, Chinese, Japanese, Russian.
"""

# ruff: noqa: E501 (a pattern reads better on one line)
from __future__ import annotations

import re
from typing import Final

_FLAGS: Final = re.IGNORECASE | re.DOTALL

#: What orders are called.
_ORDERS: Final = (
    r"(?:instructions?|prompts?|guidelines?|directives?|rules|commands?|orders|constraints|guardrails|"
    r"context above|(?:everything|anything|all) (?:above|before|you were told|you have been told)|system message)"
)

_ADDRESS: Final = r"(?:[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}|https?://\S{1,200})"
#: What is worth stealing. Without it "send a request to https://…" of any manual would count.
_TREASURE: Final = (
    r"\b(?:credentials?|passwords?|passphrase|api[ _-]?keys?|secrets?|private keys?|ssh|cookies?|environment variables|"
    r"(?:customer|user|client|patient|account|full|personal)(?:['’]?s)? (?:full )?(?:records?|data|details?|information|files?|address|history)|"
    r"(?:conversation|chat|message|browsing)(?: history|s)?|system prompt|card numbers?|credit cards?|"
    r"all (?:the |of the |your |their )?(?:e-?mails|files|messages|documents|data|records|contacts)|everything (?:you|above))\b"
)

FAMILIES: Final[dict[str, re.Pattern[str]]] = {
    "override": re.compile(
        r"\b(?:ignor(?:e|ing)|disregard|forget|override|overrule|bypass|discard|set aside|do not (?:follow|obey)|"
        rf"don'?t (?:follow|obey)|stop following)\b[^.!?\n]{{0,40}}?\b{_ORDERS}"
        r"|\b(?:previous|prior|earlier|above|existing) (?:instructions?|prompts?|rules|directives?) (?:are|is|were) "
        r"(?:now )?(?:void|cancel+ed|obsolete|revoked|superseded|suspended|invalid|outdated)"
        r"|\b(?:ignorier\w*|missacht\w*|vergiss|vergessen sie|übergeh\w*)\b[^.!?\n]{0,50}?\b(?:an)?(?:weisung|instruktion|vorgabe|regel|befehl)\w*"
        r"|\b(?:ignor[ae]|ignoren|olvid[ae]|olviden|desestim[ae]|omit[ae])\b[^.!?\n]{0,50}?\b(?:instrucciones|indicaciones|reglas|órdenes|directrices)"
        r"|\b(?:ignore[rz]?|oublie[rz]?|néglige[rz]?|ne (?:tiens|tenez) pas compte)\b[^.!?\n]{0,50}?\b(?:instructions|consignes|règles|directives)"
        r"|\b(?:ignor[ai](?:re|te)?|dimentica(?:re|te)?)\b[^.!?\n]{0,50}?\b(?:istruzioni|regole|indicazioni)"
        r"|\b(?:ignor[ea]r?|esqueça|desconsidere)\b[^.!?\n]{0,50}?\b(?:instruções|regras|orientações)"
        r"|(?:忽略|无视|忘记|忘掉|不要理会|請忽略)[^。！？\n]{0,20}(?:指令|指示|说明|提示|规则|要求|內容|内容)"
        r"|(?:指示|命令|ルール|プロンプト)[^。！？\n]{0,10}(?:無視|忘れ)"
        r"|(?:игнорируй|забудь)\w*[^.!?\n]{0,50}?(?:инструкци|указани|правил)",
        _FLAGS,
    ),
    "role": re.compile(
        r"\byou are (?:now|no longer)\b(?!,? (?:able|ready|free|here|at|on|being|\w{2,}(?:ing|ed)\b|shown|taken))"
        r"|\bfrom (?:now on|this point (?:on|forward)|here on),? (?:you|act|respond|behave|answer)\b"
        r"|\b(?:enter|switch(?:ing)? (?:in)?to|activate|enable)\b[^.!?\n]{0,20}\b(?:maintenance|developer|debug|admin(?:istrator)?|god|dan|unrestricted|root|sudo) mode"
        r"|\b(?:your|a) new (?:role|persona|task|goal|objective|mission|instructions?|system prompt)\b[^.!?\n]{0,10}(?:is|are|:)"
        r"|\bnew (?:system )?(?:instructions?|prompt) ?:"
        r"|\b(?:act|behave|respond) as (?:if you (?:are|were)|an? (?:unrestricted|unfiltered|admin\w*|root|developer|different))"
        r"|\bdu bist (?:jetzt|nun|ab sofort|nicht mehr)|\bsie sind (?:jetzt|ab sofort) (?:ein|im)|\bab (?:jetzt|sofort) (?:bist|handel|antwort|verh)\w*"
        r"|\bahora eres\b|\ba partir de ahora,? (?:eres|act|debes|respond)\w*|\b(?:tu es|vous êtes) (?:maintenant|désormais)"
        r"|\b(?:désormais|à partir de maintenant),? (?:tu|vous)\b|\bora sei un|\bagora (?:você é|és)\b"
        r"|你现在是|从现在(?:起|开始)[，,]?你|今からあなたは|(?:теперь ты|с этого момента ты)",
        _FLAGS,
    ),
    "template": re.compile(
        r"<\|?(?:im_start|im_end|system|endoftext|start_header_id|eot_id|assistant)\|>|\[/?INST\]|<</?SYS>>"
        r"|^\s{0,4}#{2,4} ?(?:system|instructions?) ?:|</?(?:system|system[_-](?:prompt|message|note|override)|admin)>"
        r"|\b(?:BEGIN|END) (?:OF )?SYSTEM\b|\[(?:system|admin)(?: (?:message|note|override|prompt|instruction)\w*)?\]\s*:?"
        r"|\bsystem (?:override|note|alert) ?:",
        _FLAGS | re.MULTILINE,
    ),
    "addressed": re.compile(
        r"\b(?:(?:AI|LLM|language|autonomous) ?(?:assistants?|agents?|models?|systems?)|AIs?|LLMs?|chatbots?|(?:chat)?gpt|claude|gemini|copilot)\b"
        r"[^.!?\n]{0,25}?\b(?:you )?(?:must|shall|have to|need to|needs to|are (?:required|instructed|ordered) to|is (?:required|instructed) to|please)\b"
        r"|\b(?:dear |hey |hello |attention,? )?assistants?,? (?:you (?:must|need to|have to)|please (?:call|send|run|execute|use|ignore|forward|fetch|open|visit|reply))\b"
        r"|\b(?:attention|note|message|instructions?|important)\b[^.!?\n]{0,15}\b(?:to|for)\b[^.!?\n]{0,20}\b(?:AI|LLMs?|(?:AI|autonomous) agents?|language models?|chatbots?)\b"
        r"|\bif you are an? (?:AI|LLM|language model|automated (?:assistant|agent|system)|bot)\b|\b(?:AI|LLM|agents?) reading this\b"
        r"|\b(?:call|invoke) the (?:tool|function) [`'\"]?\w+|\b(?:call|invoke|use) the [`'\"]?\w+[`'\"]? (?:tool|function) (?:to|with|and)\b"
        r"|\b(?:KI|KI-\w+|assistenten?|sprachmodelle?)\b[^.!?\n]{0,25}?\b(?:muss|musst|müssen|soll|sollst|hat zu|bitte)\b|\bruf\w* das (?:tool|werkzeug)"
        r"|\b(?:asistente|IA|agente|modelo)\b[^.!?\n]{0,25}?\b(?:debes?|tienes que|deberá|por favor)\b|\b(?:llama a|usa|utiliza) la herramienta\b"
        r"|\b(?:assistant|IA|agent|modèle)\b[^.!?\n]{0,25}?\b(?:dois|doit|devez|veuillez)\b|\b(?:appelle|appelez|utilise|utilisez) l['’]outil"
        r"|(?:AI|人工智能|智能)?(?:助手|助理|模型|代理)[^。！？\n]{0,10}(?:必须|应该|请|務必|务必)|(?:调用|使用)[^。！？\n]{0,6}工具"
        r"|(?:ассистент|ИИ|агент)\w*[^.!?\n]{0,20}(?:должен|обязан)",
        _FLAGS,
    ),
    "secrecy": re.compile(
        r"\b(?:do not|don'?t|never|must not|without)\b[^.!?\n]{0,30}?\b(?:tell|telling|inform\w*|mention\w*|reveal\w*|alert\w*|notify\w*|disclos\w*)\b"
        r"[^.!?\n]{0,40}?\b(?:users?|humans?|customers?|anyone|anybody|operators?|owner)\b"
        r"|\bdo(?: not|n'?t) let (?:the )?(?:user|human|customer|operator|anyone)\w* (?:know|notice|see|find out)"
        r"|\bkeep (?:this|it) (?:secret|hidden|confidential|between us|to yourself)|\bwithout (?:the user'?s?|their) (?:knowledge|consent|permission)"
        r"|\b(?:silently|secretly|covertly)\b[^.!?\n]{0,40}\b(?:send|forward|call|run|execute|add|include|upload|delete)"
        r"|\bdo (?:not|n'?t) mention (?:this|these|any of this|that you)"
        r"|\b(?:sag|erwähn|teil|verrat|informier|melde)\w*\b[^.!?\n]{0,40}?\b(?:nutzer|benutzer|anwender|kunden?|niemand)\w*[^.!?\n]{0,30}?\b(?:nicht|nichts|davon)\b"
        r"|\b(?:dem|den|der) (?:nutzer|benutzer|anwender|kunden?)\w*[^.!?\n]{0,30}?\bnichts?\b|\bohne (?:den|dem|die) (?:nutzer|benutzer|kunden)"
        r"|\bno (?:se )?(?:lo |le )?(?:digas?|informes?|menciones?|reveles?|avises?)\b[^.!?\n]{0,40}?\b(?:usuario|cliente|nadie)"
        r"|\bne (?:le |la |l'|les )?(?:dis|dites|mentionne|mentionnez|révèle|révélez|informe|informez|préviens|prévenez)\b[^.!?\n]{0,40}?\b(?:pas|rien|jamais)\b"
        r"|\bsans (?:en )?(?:informer|prévenir|avertir)\b|\bnon (?:dire|dirlo|informare)\b[^.!?\n]{0,30}\butente|\bnão (?:diga|informe|conte)\b[^.!?\n]{0,30}\busuário"
        r"|(?:不要|不得|别|請勿|切勿)(?:告诉|告知|通知|透露|提及|提到|让)[^。！？\n]{0,12}(?:用户|客户|任何人|他们)|ユーザー[^。\n]{0,12}(?:伝え|知らせ|言わ)な"
        r"|не (?:говори|сообщай|рассказывай)\w*[^.!?\n]{0,30}(?:пользовател|клиент)",
        _FLAGS,
    ),
    "exfiltration": re.compile(
        rf"\b(?:send|e-?mail|forward|post|upload|transmit|leak|exfiltrate|submit|transfer|copy|bcc|append|put|include)\s[^\n<>=]{{0,120}}?{_TREASURE}"
        rf"[^\n<>=]{{0,100}}?{_ADDRESS}"
        rf"|\b(?:call|use|invoke|run)\s[^.!?\n]{{0,20}}\b(?:tool|function)\b[^\n]{{0,120}}?{_ADDRESS}"
        rf"|\b(?:send|forward|e-?mail|transmit|leak)\s[^\n<>=]{{0,60}}?\bto {_ADDRESS}[^\n<>=]{{0,120}}?{_TREASURE}"
        r"|\b(?:sende\w*|schick\w*|übermittle\w*|leite|env[ií]a\w*|envíe\w*|reenv[ií]a\w*|manda|envoie\w*|envoyez|transmet\w*|transfère\w*|invia|inoltra|envie)\s"
        rf"[^\n<>=]{{0,160}}?\b(?:an|nach|a|al|para|à|vers)\s[^\n<>=]{{0,20}}?{_ADDRESS}"
        rf"|(?:发送|转发|上传|发到|提交|送信|転送)[^\n]{{0,60}}?{_ADDRESS}|{_ADDRESS}[^\n]{{0,20}}(?:送信|転送)"
        rf"|(?:отправь|перешли)\w*[^\n]{{0,80}}?{_ADDRESS}"
        r"|!\[[^\]\n]{0,80}\]\(https?://[^)\s?]{1,120}\?[^){<\[\n]{0,80}(?:[{<\[]|=(?:DATA|SECRETS?|CONTENT)\b)",
        _FLAGS,
    ),
}

#: Families that speak to a model. The others also stand in guidelines for people: whom not to tell what, where to
#: send what. Without one of these a text is no attack on a model.
STRONG: Final = frozenset({"override", "role", "template", "addressed", "hidden"})

#: Pieces of which a text must have one, in lower case, for the family to be looked for: a search for a piece is far
#: cheaper than the patterns.
PIECES: Final[dict[str, tuple[str, ...]]] = {
    "override": (
        "ignor", "disregard", "forget ", "overrid", "overrul", "bypass", "discard", "set aside", "not follow", "n't follow",
        "stop following", "obey", "instructions are", "instructions were", "prompt is", "prompts are", "rules are", "directives are",
        "instruction is", "missacht", "vergiss", "vergess", "übergeh", "olvid", "desestim", "omit", "oublie", "néglig",
        "ne tiens", "ne tenez", "dimentica", "esqueça", "desconsider", "忽略", "无视", "忘", "不要理会", "無視", "игнор", "забудь",
    ),
    "role": (
        "you are now", "you are no longer", "from now on", "from this point", "from here on", "maintenance mode", "developer mode",
        "debug mode", "admin mode", "administrator mode", "god mode", "dan mode", "unrestricted", "root mode", "sudo mode",
        "new role", "new persona", "new task", "new goal", "new objective", "new mission", "new instruction", "new system prompt",
        "new prompt", "act as ", "behave as ", "respond as ", "du bist", "sie sind", "ab jetzt", "ab sofort", "ahora eres",
        "a partir de ahora", "maintenant", "désormais", "ora sei", "agora", "你现在是", "从现在", "今からあなた", "теперь ты", "с этого момента",
    ),
    "template": (
        "im_start", "im_end", "|system", "<system", "</system", "endoftext", "start_header", "eot_id", "|assistant", "[inst]",
        "[/inst]", "<<sys", "<</sys", "##", "<admin", "</admin", "begin ", "end of system", "end system", "[system", "[admin",
        "system override", "system note", "system alert",
    ),
    "secrecy": (
        "not ", "n't ", "dont ", "never ", "without ", "keep ", "silently", "secretly", "covertly", "nutzer", "anwender",
        "kunde", "niemand", "usuari", "cliente", "nadie", "ne ", "sans ", "utente", "usuário", "不", "别", "切勿", "ユーザー", "не ",
    ),
    "exfiltration": ("@", "://"),
    "addressed": (
        " ai", "ai ", "llm", "language model", "gpt", "claude", "gemini", "copilot", "assistant", "chatbot", "autonomous",
        "automated", "are a bot", "reading this", "call the", "invoke the", "use the", "ki ", "ki-", "assistent", "sprachmodell",
        "das tool", "das werkzeug", "asistente", "ia ", "herramienta", "modèle", "outil",
        "debe", "tienes que", "deberá", "por favor", "dois", "doit", "devez", "veuillez", "助手", "助理",
        "模型", "代理", "工具", "ии ", "ассистент", "агент",
    ),
}  # fmt: skip
