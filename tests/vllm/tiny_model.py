"""A tiny Qwen2 whose answers are known, and LoRA adapters for it.

The token that follows a token depends on that token only: an answer counts " one two three …" without an end. After
``<|call|>``, which the chat template writes when tools are offered, it calls ``get_weather``. An adapter makes the
model repeat one word. The likeliest token is 14 above all others: an answer is certain at temperature 1 and random at
temperature 2.
"""

import json
import string
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

WORDS = (" one", " two", " three", " four", " five", " six", " seven", " eight", " nine", " ten", " eleven", " twelve")
ADAPTERS = {"polite": " please", "loud": " HEY"}
"""What the model says with an adapter."""
CALL = ("<tool_call>", '{"name": "', "get_weather", '", "arguments": ', '{"city": ', '"Paris"', "}}", "</tool_call>")
CALL_ARGUMENTS = {"city": "Paris"}

_SIZE = 512
"""Vocabulary and width: token i is the unit vector i."""
_GAP = 14.0
_HEADS, _KV_HEADS, _HEAD_SIZE = 8, 2, 64
_END, _START, _CALL = "<|im_end|>", "<|im_start|>", "<|call|>"
_SPECIAL = ("<|endoftext|>", _START, _END, _CALL, *(f"<|{name}|>" for name in ADAPTERS))
_TEMPLATE = """
{%- if tools %}<|im_start|>system
{{ tools | tojson }}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if tools and messages[-1].role != 'tool' %}<|call|>{% endif %}{% endif %}"""


def build_model(folder: Path) -> Path:
    """Writes the model in the format of Hugging Face. Returns ``folder``."""
    folder.mkdir(parents=True)
    vocabulary = _write_tokenizer(folder)
    save_file(_weights(_successors(vocabulary)), folder / "model.safetensors", {"format": "pt"})
    end = vocabulary[_END]
    _write(folder / "config.json", _config(end))
    _write(folder / "generation_config.json", {"eos_token_id": end, "temperature": 1.0})
    return folder


def build_adapter(folder: Path, model: Path, name: str) -> Path:
    """Writes the LoRA adapter ``name`` of ADAPTERS: it adds the vector of its token to every position."""
    folder.mkdir(parents=True)
    rank, query, value = 8, _HEADS * _HEAD_SIZE, _KV_HEADS * _HEAD_SIZE
    value_a, value_b = _zeros(rank, _SIZE), _zeros(value, rank)
    output_a, output_b = _zeros(rank, query), _zeros(_SIZE, rank)
    value_a[0], value_b[:, 0] = 1, _SIZE**-0.5
    output_a[0], output_b[_vocabulary(model)[f"<|{name}|>"], 0] = 1 / query, 10
    prefix = "base_model.model.model.layers.0.self_attn"
    save_file(
        {
            f"{prefix}.v_proj.lora_A.weight": value_a,
            f"{prefix}.v_proj.lora_B.weight": value_b,
            f"{prefix}.o_proj.lora_A.weight": output_a,
            f"{prefix}.o_proj.lora_B.weight": output_b,
        },
        folder / "adapter_model.safetensors",
    )
    config = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": rank,
        "target_modules": ["v_proj", "o_proj"],
        "bias": "none",
    }
    _write(folder / "adapter_config.json", config)
    return folder


def _write_tokenizer(folder: Path) -> dict[str, int]:
    """A byte-level BPE of printable ASCII and the words of the answers."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = ['"', "}", *(c for c in string.printable[:95] if c not in '"}'), "\n"]
    vocabulary: dict[str, int] = {}
    merges: list[tuple[str, str]] = []
    for letter in letters:
        vocabulary.setdefault(_byte_level(letter), len(vocabulary))
    for word in (*WORDS, *ADAPTERS.values(), *CALL):
        letters_of_word = [_byte_level(letter) for letter in word]
        for end in range(1, len(word)):
            left, right = "".join(letters_of_word[:end]), letters_of_word[end]
            if left + right not in vocabulary:
                vocabulary[left + right] = len(vocabulary)
                merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": _END,
        "pad_token": "<|endoftext|>",
        "chat_template": _TEMPLATE.strip(),
        "clean_up_tokenization_spaces": False,
    }
    _write(folder / "tokenizer_config.json", config)
    return tokenizer.get_vocab()


def _vocabulary(model: Path) -> dict[str, int]:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab()


def _successors(vocabulary: dict[str, int]) -> dict[int, int]:
    """The token that follows each token; the others are followed by token 0."""
    chains = [("\n", *WORDS), (WORDS[-1], WORDS[0]), (_CALL, *CALL, _END)]
    chains += [(f"<|{name}|>", word) for name, word in ADAPTERS.items()]
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    return {vocabulary[_token(one)]: vocabulary[_token(other)] for one, other in pairs}


def _weights(successors: dict[int, int]) -> dict[str, Any]:
    head = _zeros(_SIZE, _SIZE)
    for token, successor in successors.items():
        head[successor, token] = _GAP / _SIZE**0.5
    layer, inner = "model.layers.0", 64
    query, value = _HEADS * _HEAD_SIZE, _KV_HEADS * _HEAD_SIZE
    return {
        "model.embed_tokens.weight": np.eye(_SIZE, dtype=np.float32),
        "model.norm.weight": np.ones(_SIZE, np.float32),
        "lm_head.weight": head,
        f"{layer}.input_layernorm.weight": np.ones(_SIZE, np.float32),
        f"{layer}.post_attention_layernorm.weight": np.ones(_SIZE, np.float32),
        f"{layer}.self_attn.q_proj.weight": _zeros(query, _SIZE),
        f"{layer}.self_attn.q_proj.bias": _zeros(query),
        f"{layer}.self_attn.k_proj.weight": _zeros(value, _SIZE),
        f"{layer}.self_attn.k_proj.bias": _zeros(value),
        f"{layer}.self_attn.v_proj.weight": _zeros(value, _SIZE),
        f"{layer}.self_attn.v_proj.bias": _zeros(value),
        f"{layer}.self_attn.o_proj.weight": _zeros(_SIZE, query),
        f"{layer}.mlp.gate_proj.weight": _zeros(inner, _SIZE),
        f"{layer}.mlp.up_proj.weight": _zeros(inner, _SIZE),
        f"{layer}.mlp.down_proj.weight": _zeros(_SIZE, inner),
    }


def _config(end: int) -> dict[str, Any]:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": _SIZE,
        "hidden_size": _SIZE,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": _KV_HEADS,
        "hidden_act": "silu",
        "max_position_embeddings": 4_096,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False,
        "eos_token_id": end,
        "torch_dtype": "float32",
    }


def _zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


def _token(text: str) -> str:
    return text if text in _SPECIAL else "".join(map(_byte_level, text))


def _byte_level(letter: str) -> str:
    """How a byte-level vocabulary writes ``letter``."""
    return {" ": "Ġ", "\n": "Ċ"}.get(letter, letter)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))
