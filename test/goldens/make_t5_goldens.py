#!/usr/bin/env python3
"""Golden values for T5's text encoder and its tokenizer, from Hugging Face on CPU, float32, eager attention.
usage: make_t5_goldens.py OUT_DIR
(torch==2.8.0 transformers==4.57.6 tokenizers==0.22.2 sentencepiece==0.2.3 safetensors)
  <kind>.safetensors        weights as a MusicGen file names them, input_ids, attention_mask, states
  configs.json              what transformers writes of a T5, by kind, and the fields that it writes of any model
  buckets.json              buckets, max distance, and the runs [bucket, length] of distances -limit .. limit
  tiny-tokenizer/           tokenizer.json and tokenizer_config.json of a T5 with 48 pieces, as t5-base lays them out
  tokens.json               texts, and their ids by that tokenizer and by others that differ from it in `layout`
  told.json, .safetensors   texts, and what the encoder of the tiny MusicGen beside this script makes of them"""
import json, os, random, sys, tempfile, unicodedata
import sentencepiece, torch
from itertools import groupby
from safetensors.torch import save_file
from sentencepiece import sentencepiece_model_pb2 as model_pb2
from transformers import MusicgenForConditionalGeneration, PretrainedConfig, T5Config, T5EncoderModel, T5TokenizerFast
from transformers.models.t5.modeling_t5 import T5Attention

out = sys.argv[1]
os.makedirs(os.path.join(out, "tiny-tokenizer"), exist_ok=True)
torch.set_num_threads(1); torch.use_deterministic_algorithms(True)
def write(value, name, indent=None):
    with open(os.path.join(out, name), "w", encoding="utf8") as file: json.dump(value, file, ensure_ascii=False, indent=indent)

# ---------- 1. encoders of other shapes than the tiny MusicGen's
KINDS = {
    # heads * d_kv is not d_model; the text is longer than the farthest distance; odd bucket counts
    "gated": (T5Config(vocab_size=30, d_model=20, d_kv=5, d_ff=28, num_layers=3, num_heads=3, feed_forward_proj="gated-gelu",
                       relative_attention_num_buckets=14, relative_attention_max_distance=19, layer_norm_epsilon=1e-5, dropout_rate=0.0), (3, 41)),
    "gelu": (T5Config(vocab_size=11, d_model=12, d_kv=7, d_ff=9, num_layers=1, num_heads=2, feed_forward_proj="gelu",
                      relative_attention_num_buckets=6, relative_attention_max_distance=5, dropout_rate=0.0), (2, 9)),
}
configs = {}
for n, (kind, (config, (rows, length))) in enumerate(KINDS.items()):
    model = T5EncoderModel(config).eval(); model.set_attn_implementation("eager")
    g = torch.Generator().manual_seed(n)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            r = torch.randn(p.shape, generator=g)
            p.copy_(1 + .2 * r if "norm" in name else .7 * r if "shared" in name or "bias" in name else r * 1.2 / p.shape[-1] ** .5)
        ids = torch.randint(3, config.vocab_size, (rows, length), generator=g)
        mask = torch.ones(rows, length, dtype=torch.long)
        for row in range(1, rows):
            mask[row, length * row // rows:] = 0; ids[row][mask[row] == 0] = 0
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = {f"text_encoder.{k}": v.detach().clone().contiguous() for k, v in model.state_dict().items() if k != "encoder.embed_tokens.weight"}
    save_file({**weights, "input_ids": ids, "attention_mask": mask, "states": states}, os.path.join(out, f"{kind}.safetensors"))
    configs[kind] = config.to_dict()
# what t5-base's own file says, which MusicGen's came from
configs["t5-base"] = T5Config(architectures=["T5ForConditionalGeneration"], d_ff=3072, d_kv=64, d_model=768, decoder_start_token_id=0, num_heads=12, num_layers=12,
    n_positions=512, output_past=True, task_specific_params={"summarization": {"early_stopping": True, "num_beams": 4, "prefix": "summarize: "}}).to_dict()
write({"configs": configs, "common": PretrainedConfig().to_dict()}, "configs.json", 1)

# ---------- 2. buckets of relative positions
LIMIT = 700
rows = []
for count, farthest in [(32, 128), (8, 16), (14, 19), (6, 5), (4, 2), (7, 9), (33, 100), (64, 1000), (32, 512), (20, 21)]:
    buckets = T5Attention._relative_position_bucket(torch.arange(-LIMIT, LIMIT + 1), True, count, farthest).tolist()
    rows.append([count, farthest, [[bucket, len(list(run))] for bucket, run in groupby(buckets)]])
write({"limit": LIMIT, "rows": rows}, "buckets.json")

# ---------- 3. a small tokenizer of T5's kind, with a small map of characters made as sentencepiece makes nmt_nfkc
SPACES = [0x9, 0xA, 0xC, 0xD, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F, 0x2581, 0x3000, 0xFEFF, 0xFFFD]
DROPPED = [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]
COMPATIBLE = [*range(0xFF01, 0xFF5E), *range(0xFB00, 0xFB05), *range(0x2460, 0x2469), *range(0x2160, 0x2164), 0x2122, 0xBD, 0x3300, 0xFF8A, 0x1E9B]
COMPOSED = [*"éèêëáàâäöóòôüúùûñçÉÄÖÜ", "ế", "が", "각"]
rules = {(c,): (0x20,) for c in SPACES} | {(c,): () for c in DROPPED}
rules |= {(c,): tuple(map(ord, unicodedata.normalize("NFKC", chr(c)))) for c in COMPATIBLE}
rules |= {tuple(map(ord, unicodedata.normalize("NFD", c))): (ord(c),) for c in COMPOSED}
rules |= {(0x344,): (0x308, 0x301), (0xFF8A, 0xFF9F): (0x30D1,)}
PIECES = ["<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz", "▁a", "▁the", "▁s", "▁dr", "▁piano", "ano", "in", "ing", "er", "st", "um", "aa", "ab", "ba", "aab", "é", "が"]
random.seed(1)
# few different likelihoods, so that ties are met
SCORES = [0, 0, 0, *(-random.choice([2, 2.5, 3, 3.25]) - len(piece) for piece in PIECES[3:])]
with tempfile.TemporaryDirectory() as folder:
    corpus, tsv, prefix = (os.path.join(folder, name) for name in ("corpus.txt", "rules.tsv", "sp"))
    hexes = lambda codes: " ".join(f"{c:X}" for c in codes)
    with open(tsv, "w") as file: file.writelines(f"{hexes(a)}\t{hexes(b)}\n" for a, b in sorted(rules.items()))
    with open(corpus, "w") as file: file.write("a slow sad piano with warm strings and soft drums\n" * 100)
    sentencepiece.SentencePieceTrainer.train(input=corpus, model_prefix=prefix, vocab_size=100, hard_vocab_limit=False, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        normalization_rule_tsv=tsv, num_threads=1, minloglevel=2)
    model = model_pb2.ModelProto()
    with open(prefix + ".model", "rb") as file: model.ParseFromString(file.read())
    del model.pieces[:]
    for n, (piece, score) in enumerate(zip(PIECES, SCORES)): model.pieces.add(piece=piece, score=score, type=[3, 3, 2][n] if n < 3 else 1)
    with open(prefix + ".model", "wb") as file: file.write(model.SerializeToString())
    # extra_ids: the one more piece that makes 48
    T5TokenizerFast(prefix + ".model", extra_ids=1, legacy=True).save_pretrained(folder)
    with open(os.path.join(folder, "tokenizer.json")) as file: newer = json.load(file)
    with open(os.path.join(folder, "tokenizer_config.json")) as file: config = json.load(file)
charsmap = newer["normalizer"]["normalizers"][0]
older = {**newer, "normalizer": charsmap, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}]}, "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}}
metaspace = lambda scheme: {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}
LAYOUTS = [{}, {"normalizer": newer["normalizer"], "pre_tokenizer": metaspace("always")}, {"normalizer": newer["normalizer"], "pre_tokenizer": metaspace("first")},
           {"normalizer": newer["normalizer"], "pre_tokenizer": metaspace("never")}, {"normalizer": {"type": "NFKC"}}, {"normalizer": None, "pre_tokenizer": metaspace("always")},
           {"added_tokens": [{**token, "lstrip": "extra" in token["content"], "rstrip": "extra" in token["content"]} for token in newer["added_tokens"]]}]

POOLS = [*["abcdefghijklmnopqrstuvwxyz "] * 3, "aab ", ["ab", "ba", "a", "b", "aab", "um", "ing"], "e\u0301o\u0308a\u0300\u0323u\u0308", "éàüñç", "ｐｉａｎｏ～＜／ｓ＞", "\u200d\u200b\ufe0f\u2009\u00a0\u3000\t\n\r\u0085\u1680\ufeff▁\ufffd\x01\x7f",
         "👩‍🚀👍🏽🎹🇯🇵❤️", "각각ㄱ가", "½ﬁ㌀①Ⅳ™ẛ", "がﾊﾟ語", ["</s>", "<pad>", " <unk> ", "<extra_id_0>", "  <extra_id_0> ", "\r\n", "＜ｕｎｋ＞"], "\u0344नमस्ते"]
texts = ["", " ", "   ", "\n", "\u3000", "a slow sad piano with warm strings", "A Slow SAD Piano", "80s pop, with 8-bit drums & bass!", "  leading and   inner  spaces ", "piano\tguitar\nbass", "piano </s> guitar",
         "<extra_id_0>", "a<extra_id_0> b <extra_id_0>c", "＜/s＞", "cafe\u0301 e\u0301\u0323", "caféカフェ", "🎹", "🎹🎹 piano 🎹x🎹", "x\ufe0f", "▁piano▁▁bass", "\u0344", "ﬁne ½ ①", "naïve façade", "a" * 301, "piano " * 60, "ab" * 99, "語" * 99]
random.seed(2)
texts += ["".join(random.choice(random.choice(pools)) for _ in range(random.choice([2, 5, 12, 30]))) for pools in (random.sample(POOLS, random.randint(1, 4)) for _ in range(170))]
golden = []
for layout in LAYOUTS:
    with tempfile.TemporaryDirectory() as folder:
        for name, value in ("tokenizer.json", {**older, **layout}), ("tokenizer_config.json", config):
            with open(os.path.join(folder, name), "w") as file: json.dump(value, file)
        tokenizer = T5TokenizerFast.from_pretrained(folder)
        golden.append({"layout": layout, "ids": [tokenizer(text).input_ids for text in texts]})
assert max(max(ids) for one in golden for ids in one["ids"]) < 48
write(older, "tiny-tokenizer/tokenizer.json", 1)
write(config, "tiny-tokenizer/tokenizer_config.json", 1)
write({"texts": texts, "layouts": golden}, "tokens.json")

# ---------- 4. texts told by the tiny MusicGen's encoder, padded to the longest
beside = os.path.dirname(os.path.abspath(__file__))
t5 = MusicgenForConditionalGeneration.from_pretrained(os.path.join(beside, "tiny-musicgen"), attn_implementation="eager").text_encoder.eval()
tokenizer = T5TokenizerFast.from_pretrained(os.path.join(out, "tiny-tokenizer"))
told = ["a slow sad piano", "", "80s pop with strings 🎹", "drums"]
batch = tokenizer(told, padding=True, return_tensors="pt")
with torch.no_grad(): states = t5(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
save_file({"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "states": states}, os.path.join(out, "told.safetensors"))
write(told, "told.json")
print("pieces", [piece for piece, _ in older["model"]["vocab"]], "charsmap", len(charsmap["precompiled_charsmap"]))
print({name: os.path.getsize(os.path.join(d, name)) for d, _, names in os.walk(out) for name in names})
