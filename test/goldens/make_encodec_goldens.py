#!/usr/bin/env python3
"""Golden values of EnCodec in other shapes than MusicGen's, and of a stereo MusicGen's codes, from HF transformers on CPU, float32.
usage: make_encodec_goldens.py OUT_DIR TINY_MUSICGEN_DIR   (torch==2.8.0 transformers==4.57.6 safetensors)"""
import json, math, os, sys, torch
from safetensors.torch import load_file, save_file
from transformers import EncodecConfig, EncodecModel, MusicgenConfig, MusicgenForConditionalGeneration
out, tiny = sys.argv[1:3]; os.makedirs(out, exist_ok=True); torch.set_num_threads(1); torch.use_deterministic_algorithms(True)
W = lambda d, name: save_file({k: v.detach().contiguous().clone() for k, v in d.items()}, os.path.join(out, name))

BASE = dict(sampling_rate=8000, hidden_size=6, num_filters=2, num_residual_layers=1, upsampling_ratios=[5, 2, 3], kernel_size=7, last_kernel_size=7,
            residual_kernel_size=3, dilation_growth_rate=2, use_causal_conv=False, pad_mode="reflect", compress=2, num_lstm_layers=2,
            trim_right_ratio=1.0, codebook_size=32, use_conv_shortcut=False, norm_type="weight_norm", audio_channels=1)
CASES = {
    # as the 24 kHz codec, with what it leaves at its defaults changed
    "causal": dict(use_causal_conv=True, trim_right_ratio=.5, pad_mode="constant", use_conv_shortcut=True, num_residual_layers=2, kernel_size=5,
                   last_kernel_size=3, codebook_size=16, num_lstm_layers=1),
    "causal-reflect": dict(use_causal_conv=True, trim_right_ratio=1.0, residual_kernel_size=4, num_residual_layers=3, use_conv_shortcut=True, upsampling_ratios=[2, 5], num_lstm_layers=1),
    "deep": dict(num_residual_layers=2, dilation_growth_rate=3, residual_kernel_size=5, kernel_size=4, last_kernel_size=8, codebook_size=64, num_lstm_layers=1),
    "stereo": dict(audio_channels=2, upsampling_ratios=[3, 4], pad_mode="replicate", num_filters=4, compress=3, num_lstm_layers=3, hidden_size=10),
    "grouped": dict(norm_type="time_group_norm", use_conv_shortcut=True, upsampling_ratios=[3, 2], audio_channels=2, num_filters=4),
}
N_Q = 3

def randomise(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for n, p in sorted(model.named_parameters()):
            r = torch.randn(p.shape, generator=g)
            if n.endswith("original0"): p.copy_(1 + .2 * r)
            elif "lstm" in n: p.copy_(.3 * r)
            elif ".norm." in n: p.copy_((1 + .1 * r) if n.endswith("weight") else .1 * r)
            elif p.dim() == 1: p.copy_(.1 * r)
            else: p.copy_(r * 1.2 / math.sqrt(p[0].numel()))
        for n, b in sorted(model.named_buffers()):
            if n.endswith("codebook.embed"): b.copy_(torch.randn(b.shape, generator=g) * .5 ** int(n.split(".")[2]))
    return model.eval()

def least_gap(model, latent, n_q):
    """How much nearer the nearest vector is than the second, relative to the distance: what rounding must not reach."""
    rest, least = latent.double().transpose(1, 2), math.inf
    for layer in model.quantizer.layers[:n_q]:
        table = layer.codebook.embed.double()
        d = ((rest[..., None, :] - table) ** 2).sum(-1); two = d.topk(2, -1, largest=False)
        least = min(least, float(((two.values[..., 1] - two.values[..., 0]) / two.values[..., 0]).min())); rest = rest - table[two.indices[..., 0]]
    return least

for seed, (name, changes) in enumerate(CASES.items()):
    fields = {**BASE, **changes}; hop = math.prod(fields["upsampling_ratios"])
    rate, bits = math.ceil(fields["sampling_rate"] / hop), int(math.log2(fields["codebook_size"]))
    fields["target_bandwidths"] = [(N_Q + .5) * rate * bits / 1000]
    model = randomise(EncodecModel(EncodecConfig(**fields)), 10 + seed); assert model.config.num_quantizers == N_Q
    g = torch.Generator().manual_seed(100 + seed); d = {}; gap = math.inf
    for frames in (1, 2, 9):
        codes = torch.randint(0, fields["codebook_size"], (1, 1, N_Q, frames), generator=g)
        with torch.no_grad(): d[f"decode.{frames}.codes"], d[f"decode.{frames}.sound"] = codes[0, 0], model.decode(codes, [None]).audio_values[0]
    for samples in (1, 2, hop, hop + 1, 4 * hop + 3):
        sound = torch.randn(1, fields["audio_channels"], samples, generator=g) * .5
        with torch.no_grad(): latent, codes = model.encoder(sound), model.encode(sound).audio_codes
        d[f"encode.{samples}.sound"], d[f"encode.{samples}.latent"], d[f"encode.{samples}.codes"] = sound[0], latent[0], codes[0, 0]
        gap = min(gap, least_gap(model, latent, N_Q))
    weights = {k: v for k, v in model.state_dict().items() if k.split(".")[-1] not in ("inited", "cluster_size", "embed_avg")}
    W({**{f"model.{k}": v for k, v in weights.items()}, **d}, f"{name}.safetensors")
    json.dump(fields, open(os.path.join(out, f"{name}.json"), "w"), indent=1)
    print(name, "least gap of distances", gap)

# A stereo MusicGen around the tiny model's codec: how it lays out the codes of left and right, both ways
fields = json.load(open(os.path.join(tiny, "config.json"))); K, PAD = 8, 64
fields["decoder"] |= dict(audio_channels=2, num_codebooks=K)
torch.manual_seed(7); model = MusicgenForConditionalGeneration(MusicgenConfig(**{k: fields[k] for k in ("text_encoder", "audio_encoder", "decoder")})).eval()
prefix = "audio_encoder."; st = load_file(os.path.join(tiny, "model.safetensors"))
model.audio_encoder.load_state_dict({k[len(prefix):]: v for k, v in st.items() if k.startswith(prefix)}, strict=False)
g = torch.Generator().manual_seed(8); sound = torch.randn(1, 2, 83, generator=g) * .3
with torch.no_grad():
    encoded = model._prepare_audio_encoder_kwargs_for_generation(sound, {})["decoder_input_ids"]
    grabbed, original = [], model.decoder.apply_delay_pattern_mask
    def spy(*a, **k): grabbed.append(original(*a, **k)); return grabbed[-1]
    model.decoder.apply_delay_pattern_mask = spy
    model.generation_config.pad_token_id = model.generation_config.bos_token_id = model.generation_config.decoder_start_token_id = PAD
    audio = model.generate(input_ids=torch.tensor([[3, 5, 7]]), attention_mask=torch.ones(1, 3, dtype=torch.long), max_length=16, do_sample=True, guidance_scale=1.0)
ids = grabbed[-1]; codes = ids[ids != PAD].reshape(K, -1)
gap = min(least_gap(model.audio_encoder, model.audio_encoder.encoder(sound[:, c:c + 1]), 4) for c in (0, 1))
W({"encode.sound": sound[0], "encode.codes": encoded, "decode.codes": codes, "decode.sound": audio[0]}, "musicgen-stereo.safetensors")
print("musicgen-stereo", tuple(encoded.shape), tuple(codes.shape), tuple(audio.shape), "least gap", gap, "codes that differ by channel", int((codes[::2] != codes[1::2]).sum()))
print("TOTAL", sum(os.path.getsize(os.path.join(out, f)) for f in os.listdir(out)))
