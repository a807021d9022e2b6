#!/usr/bin/env python3
"""Tiny random CLAP (HTSAT unfused + RoBERTa text) in LAION's layout, and what Hugging Face's own code makes of some
sounds and captions. usage: make_clap_goldens.py OUT_DIR

Made with Python 3.11, torch 2.8.0, transformers 4.57.6, tokenizers 0.22, onnx 1.23; seeds 0 and 7. On another processor
the embeddings differ by 2e-6 at most, everything else is equal. Waves are formulas, so that the goldens stay small.
"""
import math, os, sys, warnings
import numpy as np, onnx, torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import ClapAudioConfig, ClapAudioModelWithProjection, ClapConfig, ClapFeatureExtractor, ClapModel
from transformers import ClapTextConfig, ClapTextModelWithProjection, RobertaTokenizerFast

out = sys.argv[1]
os.makedirs(os.path.join(out, "onnx"), exist_ok=True)
torch.set_num_threads(1)
warnings.filterwarnings("ignore")

ac = ClapAudioConfig(window_size=8, num_mel_bins=64, spec_size=256, patch_size=4, patch_stride=[4, 4], num_classes=4, projection_dim=16, depths=[2, 2],
    num_attention_heads=[1, 2], enable_fusion=False, patch_embeds_hidden_size=8, num_hidden_layers=2, hidden_size=16, drop_path_rate=0.0, mlp_ratio=2.0)
tc = ClapTextConfig(vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, projection_dim=16, max_position_embeddings=40)
cfg = ClapConfig(text_config=tc.to_dict(), audio_config=ac.to_dict(), projection_dim=16)
torch.manual_seed(0)
m = ClapModel(cfg).eval()
m.set_attn_implementation("eager")
g = torch.Generator().manual_seed(7)
with torch.no_grad():
    for n, p in sorted(m.named_parameters()):
        r = torch.randn(p.shape, generator=g)
        if n.startswith("logit_scale"): p.fill_(math.log(1 / .07))
        elif "norm" in n.lower() or "batch_norm" in n: p.copy_(1 + .1 * r if n.endswith("weight") else .1 * r)
        elif p.dim() == 1: p.copy_(.1 * r)
        elif "embeddings" in n: p.copy_(.5 * r)
        else: p.copy_(r / math.sqrt(p[0].numel()))
    for n, b in sorted(m.named_buffers()):
        if n.endswith("running_mean"): b.copy_(-20 + torch.randn(b.shape, generator=g))
        if n.endswith("running_var"): b.copy_(100 + 10 * torch.rand(b.shape, generator=g))
m.config.save_pretrained(out)
fe = ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
fe.save_pretrained(out)


def wave(sec, sr=48000):  # x[n] = .5 sin(2 pi 440 t) + .25 sin(2 pi (200 t + 1500 t^2)), t = n / sr, float64 then float32
    t = np.arange(int(sec * sr)) / sr
    return (.5 * np.sin(2 * np.pi * 440 * t) + .25 * np.sin(2 * np.pi * (200 * t + 1500 * t * t))).astype(np.float32)


def feats(seed):  # f[t][m] = 10 sin(.05 t (seed + 1) + .3 m) - 30
    return (10 * np.sin(.05 * np.arange(1001)[:, None] * (seed + 1) + .3 * np.arange(64)[None]) - 30).astype(np.float32)


T = {}
for sec in (2.0, 3.0, 10.0):  # 3 s: three whole copies and a second of silence
    f = torch.tensor(np.asarray(fe(wave(sec), sampling_rate=48000, return_tensors="np")["input_features"]))
    T[f"wave{int(sec)}.features.every25"] = f[0, 0, ::25].contiguous()
    with torch.no_grad(): T[f"wave{int(sec)}.audio_embeds"] = m.audio_projection(m.audio_model(input_features=f.float()).pooler_output)
x = torch.tensor(np.stack([feats(0), feats(1)]))[:, None]
with torch.no_grad():
    T["synth.audio_embeds"] = m.audio_projection(m.audio_model(input_features=x).pooler_output)
    ids = torch.tensor([[0, 5, 9, 33, 2, 1], [0, 7, 2, 1, 1, 1]])
    am = (ids != 1).long()
    T["input_ids"], T["attention_mask"] = ids, am
    T["text_embeds"] = m.text_projection(m.text_model(input_ids=ids, attention_mask=am).pooler_output)

# a byte-level BPE as RoBERTa's, but for its size and an unknown token: 60 tokens do not hold every byte
CAPTIONS = ["a calm town melody with soft drums", "fast battle music in a minor key", "a calm battle, with drums", "slow über waltz",
    "a calm town melody with soft drums, then fast battle music in a minor key, then a slow waltz with soft drums"]
bpe = Tokenizer(models.BPE(unk_token="<unk>"))
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = decoders.ByteLevel()
bpe.train_from_iterator(CAPTIONS[:3], trainers.BpeTrainer(vocab_size=60, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False))
bpe.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
tokenizer = RobertaTokenizerFast(tokenizer_object=bpe, model_max_length=38)
tokenizer.save_pretrained(out)
for name in ("vocab.json", "merges.txt", "special_tokens_map.json"):
    if os.path.exists(os.path.join(out, name)): os.remove(os.path.join(out, name))
for i, caption in enumerate(CAPTIONS):
    one = tokenizer(caption, truncation=True, return_tensors="pt")
    T[f"caption{i}.ids"] = one["input_ids"][0]
    with torch.no_grad(): T[f"caption{i}.text_embeds"] = m.text_projection(m.text_model(**one).pooler_output)
save_file({k: v.detach().contiguous().clone() for k, v in T.items()}, os.path.join(out, "clap.safetensors"))
print({k: tuple(v.shape) for k, v in T.items()})

source = os.path.join(out, ".source")
m.save_pretrained(source)
A = ClapAudioModelWithProjection.from_pretrained(source, attn_implementation="eager").eval()
B = ClapTextModelWithProjection.from_pretrained(source, attn_implementation="eager").eval()
for name in os.listdir(source): os.remove(os.path.join(source, name))
os.rmdir(source)


class Audio(torch.nn.Module):
    def __init__(self): super().__init__(); self.m = A.requires_grad_(False)
    def forward(self, input_features): return self.m(input_features=input_features).audio_embeds


class Text(torch.nn.Module):
    def __init__(self): super().__init__(); self.m = B.requires_grad_(False)
    def forward(self, input_ids, attention_mask): return self.m(input_ids=input_ids, attention_mask=attention_mask).text_embeds


def shorten(path):  # one copy of equal constants and weights, no names but those of inputs and outputs
    model = onnx.load(path)
    graph = model.graph
    names = {v.name: v.name for v in [*graph.input, *graph.output]}
    seen, nodes, initializers = {}, [], []
    def known(key, name):
        if key in seen: names[name] = seen[key]; return True
        seen[key] = names[name] = f"v{len(names)}"
    for t in graph.initializer:
        key, t_name = (t.data_type, tuple(t.dims), t.raw_data), t.name
        if known(key, t_name): continue
        t.name = names[t_name]; initializers.append(t)
    for node in graph.node:
        node.name = node.doc_string = ""
        node.input[:] = [names[i] if i else "" for i in node.input]
        for i in node.output: names.setdefault(i, f"v{len(names)}")
        if all(o not in [v.name for v in graph.output] for o in node.output):
            key = (node.op_type, tuple(node.input), tuple(a.SerializeToString() for a in node.attribute))
            if key in seen:
                for mine, theirs in zip(node.output, seen[key]): names[mine] = theirs
                continue
            seen[key] = [names[o] for o in node.output]
        node.output[:] = [names[o] for o in node.output]
        nodes.append(node)
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes); graph.initializer.extend(initializers)
    onnx.checker.check_model(model)
    onnx.save(model, path)


for module, inputs, name, names, result in [(Audio(), (x,), "audio_model", ["input_features"], "audio_embeds"), (Text(), (ids, am), "text_model", ["input_ids", "attention_mask"], "text_embeds")]:
    path = os.path.join(out, "onnx", f"{name}.onnx")
    axes = {n: {0: "b"} | ({1: "s"} if len(names) == 2 else {}) for n in names} | {result: {0: "b"}}
    with torch.no_grad(): torch.onnx.export(module.eval(), inputs, path, input_names=names, output_names=[result], dynamic_axes=axes, opset_version=17, dynamo=False)
    shorten(path)
