"""Chat templates of llama.cpp: which models can read tools, and a template for those of the ChatML family that cannot.

llama.cpp offers tools to a model through its chat template, and ignores them when the template has no place for them.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_KEYS = (b"tokenizer.chat_template", b"tokenizer.chat_template.tool_use")
_STRING = 8
_METADATA_BYTES = 64 * 1024 * 1024
"""The metadata stand at the start of the file; the vocabulary is the largest part of them."""

_CHATML_TOOLS = """
{{- '<|im_start|>system\\n' -}}
{%- if messages[0].role == 'system' -%}{{- messages[0].content + '\\n\\n' -}}{%- endif -%}
{%- if tools -%}
{{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n' -}}
{{- 'You are provided with function signatures within <tools></tools> XML tags:\\n<tools>' -}}
{%- for tool in tools -%}{{- '\\n' + (tool | tojson) -}}{%- endfor -%}
{{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments' -}}
{{- ' within <tool_call></tool_call> XML tags:\\n<tool_call>\\n' -}}
{{- '{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call>' -}}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- for message in messages -%}
{%- if message.role == 'tool' -%}
{%- if loop.first or messages[loop.index0 - 1].role != 'tool' -%}{{- '<|im_start|>user' -}}{%- endif -%}
{{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' -}}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' -%}{{- '<|im_end|>\\n' -}}{%- endif -%}
{%- elif message.role != 'system' or not loop.first -%}
{{- '<|im_start|>' + message.role -}}
{%- if message.content or not message.tool_calls -%}{{- '\\n' + message.content -}}{%- endif -%}
{%- for tool_call in message.tool_calls or [] -%}
{{- '\\n<tool_call>\\n{"name": "' + tool_call.function.name + '", "arguments": ' -}}
{{- (tool_call.function.arguments | tojson) + '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""
"""The format of Qwen2.5 and Hermes, which llama.cpp recognises in the answer."""
_USES_TOOLS = (
    "{%- set used = namespace(tools=false) -%}{%- for message in messages -%}"
    "{%- if message.tool_calls or message.role == 'tool' -%}{%- set used.tools = true -%}{%- endif -%}{%- endfor -%}"
    "{%- if tools or used.tools -%}"
)


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """``text`` replaces the template of the model; "" keeps it."""

    reads_tools: bool
    text: str = ""


def choose_chat_template(model: Path) -> ChatTemplate:
    """The template for a GGUF file. Conversations without tools are formatted by the model's own template."""
    own = list(_templates(model))
    if any("tools" in template for template in own):
        return ChatTemplate(reads_tools=True)
    if own and "<|im_start|>" in own[0]:
        text = f"{_USES_TOOLS}{_CHATML_TOOLS.strip()}{{%- else -%}}{own[0]}{{%- endif -%}}"
        return ChatTemplate(reads_tools=True, text=text)
    return ChatTemplate(reads_tools=False)


def _templates(model: Path) -> Iterator[str]:
    """The chat templates in the metadata of a GGUF file (ggml docs/gguf.md: a string has a length of eight bytes)."""
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for key in _KEYS:
            entry = struct.pack("<Q", len(key)) + key + struct.pack("<I", _STRING)
            start = content.find(entry, 0, _METADATA_BYTES)
            if start >= 0:
                start += len(entry)
                (length,) = struct.unpack_from("<Q", content, start)
                yield content[start + 8 : start + 8 + length].decode(errors="replace")
