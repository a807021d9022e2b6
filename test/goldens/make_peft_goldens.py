#!/usr/bin/env python3
"""Goldens of adapters in PEFT's format, both ways; CPU, float32, eager attention, seeded.
usage: npx tsx test/genki/music/peft/support/write-adapters.ts /tmp/peft
       make_peft_goldens.py OUT TINY_MUSICGEN FORWARD LOSS /tmp/peft
       (OUT = test/goldens/peft, the others lie beside it: tiny-musicgen, forward.safetensors, loss.safetensors)
venv: torch==2.8.0 transformers==4.57.6 peft==0.17.1 safetensors
  OUT/<name>/            adapters as PEFT saves them
  OUT/logits.safetensors logits of the labelled batch at every other position, by adapter; `ours.<name>` of those that writePeft wrote
  OUT/gradients.safetensors d loss / d factor at some of them, by PEFT's names
  OUT/ours.json          sha256 of the files that PeftModel.from_pretrained loaded with every factor in its place
  OUT/targets.json       which modules, ranks and alphas PEFT gives to configurations
  OUT/patterns.json      what Python's re makes of patterns"""
import hashlib, json, math, os, random, re, shutil, sys, warnings
import torch, transformers, peft
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import _maybe_include_all_linear_layers, check_target_module_exists
from peft.utils.other import get_pattern_key
from safetensors.torch import load_file, save_file
from transformers import MusicgenForConditionalGeneration

OUT, TINY, FORWARD, LOSS, OURS = sys.argv[1:6]
torch.set_num_threads(1); torch.use_deterministic_algorithms(True)
forward, loss = load_file(FORWARD), load_file(LOSS)
BATCH = dict(input_ids=forward["input_ids"], attention_mask=forward["attention_mask"], labels=loss["labels"], use_cache=False)
base = lambda: MusicgenForConditionalGeneration.from_pretrained(TINY, attn_implementation="eager").eval()
language = lambda key: key.startswith(("decoder.", "enc_to_dec_proj"))
logits, gradients = {}, {}


def judged(name, folder):
    """Loads the adapter, checks that every factor has its place in the language model, and keeps the logits."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*missing adapter keys.*")
        model = PeftModel.from_pretrained(base(), folder).eval()
    saved = load_file(os.path.join(folder, "adapter_model.safetensors"))
    held = get_peft_model_state_dict(model, save_embedding_layers=False)
    assert {k.replace(".default", "") for k in saved} == set(held), set(saved) ^ set(held)
    assert all(torch.equal(v.float(), held[k.replace(".default", "")]) for k, v in saved.items())
    adapted = [n.removeprefix("base_model.model.") for n, m in model.named_modules() if isinstance(m, LoraLayer)]
    assert all(map(language, adapted)) and 2 * len(adapted) == len(saved), adapted
    with torch.no_grad(): logits[name] = model(**BATCH).logits[:, ::2].clone()
    return model


def write(name, dtype=torch.float32, grad=False, default=False, **config):
    model, g = get_peft_model(base(), LoraConfig(lora_dropout=0.0, **config)), torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for n, p in sorted(model.named_parameters()):
            if "lora_" in n: p.copy_(torch.randn(p.shape, generator=g) * (.3 if "B" in n.split("lora_")[1] else .5 / math.sqrt(p.shape[1])))
    folder = os.path.join(OUT, name); shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = "tiny-musicgen"
    model.save_pretrained(folder, save_embedding_layers=False)
    os.remove(os.path.join(folder, "README.md"))
    # PEFT keeps names as a set, which Python orders anew in each run
    path = os.path.join(folder, "adapter_config.json"); read = json.load(open(path))
    for key in ("target_modules", "exclude_modules"):
        if isinstance(read[key], list): read[key].sort()
    json.dump(read, open(path, "w"), indent=2)
    path = os.path.join(folder, "adapter_model.safetensors"); tensors = load_file(path)
    if default: tensors = {re.sub(r"(lora_(?:embedding_)?[AB])", r"\1.default", k): v for k, v in tensors.items()}
    save_file({k: v.to(dtype).contiguous() for k, v in tensors.items()}, path, metadata={"format": "pt"})
    if not all(map(language, (k.split("base_model.model.")[1] for k in tensors))): return
    if default: save_file({k.replace(".default", ""): v for k, v in tensors.items()}, path)
    loaded = judged(name, folder)
    if default: save_file(tensors, path, metadata={"format": "pt"})
    if grad:
        for n, p in loaded.named_parameters(): p.requires_grad_("lora_" in n)
        loaded(**BATCH).loss.backward()
        gradients.update({f"{name}/{n.replace('.default', '')}": p.grad.clone() for n, p in loaded.named_parameters() if "lora_" in n})


LAYERS = r"decoder\.model\.decoder\.layers\.\d+\."
HEADS, TABLES = [f"lm_heads.{k}" for k in range(4)], [f"embed_tokens.{k}" for k in range(4)]
write("patterns", r=4, lora_alpha=8, use_rslora=True, target_modules=LAYERS + r"((self_attn|encoder_attn)\.(q_proj|out_proj)|fc[12])", grad=True,
      rank_pattern={"fc1": 2, r"layers\.1\..*q_proj": 3, "^decoder.model.decoder.layers.0.encoder_attn.out_proj": 6, "q_proj": 5},
      alpha_pattern={r"fc[12]": 3, "self_attn.q_proj": 10.5})
write("listed", r=2, lora_alpha=3, target_modules=["self_attn.v_proj", "fc2", "nothing"], layers_to_transform=[1], layers_pattern="layers")
write("half", dtype=torch.float16, r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"])
write("brain", dtype=torch.bfloat16, default=True, r=1, lora_alpha=2, target_modules=["k_proj"], exclude_modules=["encoder_attn.k_proj"])
write("wide", r=2, lora_alpha=2, target_modules=["enc_to_dec_proj", "k_proj", "fc1"] + HEADS + TABLES, rank_pattern={"lm_heads.1": 3, "embed_tokens.2": 1}, grad=True)
write("linear", r=1, lora_alpha=2, target_modules="all-linear", exclude_modules=r"(text|audio)_encoder\..*")
write("text", r=1, lora_alpha=2, target_modules=["q", "q_proj"])

# ---------- what our own writer wrote
ours = {}
for name in sorted(os.listdir(OURS)):
    folder = os.path.join(OURS, name); judged(f"ours.{name}", folder)
    ours[name] = {f: hashlib.sha256(open(os.path.join(folder, f), "rb").read()).hexdigest() for f in ("adapter_config.json", "adapter_model.safetensors")}
json.dump(ours, open(os.path.join(OUT, "ours.json"), "w"), indent=1)
save_file({k: v.contiguous() for k, v in logits.items()}, os.path.join(OUT, "logits.safetensors"))
save_file({k: v.contiguous() for k, v in gradients.items()}, os.path.join(OUT, "gradients.safetensors"))

# ---------- PEFT's own choice of modules, ranks and alphas
modules = [n for n, m in base().named_modules() if language(n) and isinstance(m, (torch.nn.Linear, torch.nn.Embedding))]
cases = []
for config in [
    dict(target_modules=["q_proj", "v_proj"]), dict(target_modules=["proj"]), dict(target_modules=["self_attn.q_proj", "0.fc1"]), dict(target_modules=["lm_heads.1"]), dict(target_modules=["1"]),
    dict(target_modules=["decoder.model.decoder.layers.1.fc2", "odel.decoder.layers.0.fc1"]),
    dict(target_modules=r".*\.fc\d"), dict(target_modules="fc1"), dict(target_modules=r"decoder.*(q|k)_proj"), dict(target_modules=r".*layers\.(?:0|2)\..*[qv]_proj"), dict(target_modules=r".*(?P<which>fc1|fc2)\Z"),
    dict(target_modules="all-linear"), dict(target_modules="ALL-LINEAR", exclude_modules=["lm_heads.0", "fc1"]), dict(target_modules=["fc1", "q_proj"], exclude_modules=r".*\.1\..*"), dict(target_modules=["fc1"], exclude_modules=["c1"]),
    dict(target_modules=["fc1", "q_proj", "lm_heads.0"], layers_to_transform=0), dict(target_modules=["fc1", "q_proj"], layers_to_transform=[1, 7]), dict(target_modules=["fc1"], layers_to_transform=[]),
    dict(target_modules=["fc1", "q_proj"], layers_to_transform=[1], layers_pattern="layers"), dict(target_modules=["fc1"], layers_to_transform=[1], layers_pattern=["h", "layers"]), dict(target_modules=["fc1"], layers_to_transform=[1], layers_pattern="decoder.layers"),
    dict(target_modules=["fc1"], layers_to_transform=[1], layers_pattern="ayers"), dict(target_modules=["fc1"], layers_to_transform=[1], layers_pattern=[]),
    dict(target_modules=["fc1", "fc2"], rank_pattern={"fc1": 1, "fc2": 2, "fc.": 3}), dict(target_modules=["fc1", "fc2"], rank_pattern={"fc.": 3, "fc1": 1}), dict(target_modules=["fc1", "fc2"], rank_pattern={"c1": 3, "1.fc1": 2}),
    dict(target_modules=["fc1", "q_proj"], rank_pattern={"^decoder.*fc1": 3, "^fc1": 2, r"self_attn\.q_proj": 5, "_proj": 6}), dict(target_modules=["fc1", "q_proj"], alpha_pattern={"layers.1.*": 3.5, "decoder": 9, "q_proj|fc1": 4}),
    dict(target_modules=["q_proj"], rank_pattern={"a)|(decoder.model": 7}, alpha_pattern={"(self|encoder)_attn.q_proj": 12}),
]:
    made = _maybe_include_all_linear_layers(LoraConfig(r=4, lora_alpha=8, **config), base())
    hit = [m for m in modules if check_target_module_exists(made, m) and type(check_target_module_exists(made, m)).__name__ != "_ExcludedModule"]
    size = {m: [made.rank_pattern.get(get_pattern_key(made.rank_pattern.keys(), m), 4), made.alpha_pattern.get(get_pattern_key(made.alpha_pattern.keys(), m), 8)] for m in hit}
    cases.append({"config": config, "size": size})
json.dump(cases, open(os.path.join(OUT, "targets.json"), "w"), separators=(",", ":"))

# ---------- what Python's re makes of patterns: whole matches and matches of the beginning, as bits by text; null where it is none
rng = random.Random(7); warnings.simplefilter("ignore")
TEXTS = ["", "a", "b", "1", "ab", "ba", "a.b", "a.1", "aab", "a1b", "abab", "a.b.1", "]a", "a-b", "{2}", "a{", "b_1.a", "1.1.1", "aaaa", "a_b"]
def piece(depth):
    kind = rng.random()
    if kind < .45: return rng.choice(["a", "b", "1", r"\.", ".", "_", "]", "{", "}", "-", r"\-", "a{", "{2}"])
    if kind < .6: return rng.choice([r"\d", r"\w", r"\D", r"\W", r"\S", "[ab]", "[^a]", "[]a]", "[^]a]", "[a-]", r"[\d_]", "[1-9.]", r"[\]\-a]", "[b-a]"])
    if kind < .68: return rng.choice(["^", "$", r"\A", r"\Z", r"\b", r"\B"])
    if depth == 0: return rng.choice("ab")
    return rng.choice(["(", "(?:", "(?P<x%d>" % rng.randrange(10 ** 6)]) + choice(depth - 1) + ")"
def repeated(depth): return piece(depth) + rng.choice([""] * 24 + ["*", "+", "?", "*?", "??", "{2}", "{1,2}", "{,2}", "{1,}", "{,}", "{}", "{2,1}", "{0}?", "**"])
def choice(depth): return "|".join("".join(repeated(depth) for _ in range(rng.randrange(4))) for _ in range(rng.choice([1, 1, 2, 3])))
table = []
for _ in range(900):
    pattern = choice(2)
    if re.search(r"[*+?}]\+", pattern): continue   # never gives back: not known to ours
    try: table.append([pattern] + ["".join(str(int(match(pattern, t) is not None)) for t in TEXTS) for match in (re.fullmatch, re.match)])
    except re.error: table.append([pattern, None, None])
json.dump({"texts": TEXTS, "table": table}, open(os.path.join(OUT, "patterns.json"), "w"), separators=(",", ":"))
print({"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__, "ours": list(ours), "invalid patterns": sum(t[1] is None for t in table)})
