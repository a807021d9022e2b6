#!/usr/bin/env python3
"""Golden values for a training run of an adapter: unequal clips, a cosine schedule, clipped gradients. PyTorch takes each
step's clips as one batch, which accumulated micro-batches and checkpointed layers have to come to as well.
usage: make_training_goldens.py OUT_DIR   (torch==2.8.0 transformers==4.57.6 peft==0.17.1 safetensors)"""
import json, math, os, sys, torch
import peft
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config, get_cosine_schedule_with_warmup
from transformers.modeling_outputs import BaseModelOutput

out = sys.argv[1]
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
K, V, B, S, WORDS, D_TEXT = 3, 16, 5, 9, 4, 12

t5 = T5Config(vocab_size=8, d_model=D_TEXT, d_kv=4, d_ff=8, num_layers=1, num_heads=1, dropout_rate=0.0)
enc = EncodecConfig(sampling_rate=32000, hidden_size=4, num_filters=2, num_residual_layers=1, upsampling_ratios=[2], codebook_size=V, codebook_dim=4, target_bandwidths=[200.0], num_lstm_layers=1)
dec = MusicgenDecoderConfig(vocab_size=V, max_position_embeddings=32, num_hidden_layers=3, ffn_dim=40, num_attention_heads=3, hidden_size=24, num_codebooks=K,
                            pad_token_id=V, bos_token_id=V, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, activation_function="gelu_new")
cfg = MusicgenConfig(text_encoder=t5.to_dict(), audio_encoder=enc.to_dict(), decoder=dec.to_dict())
model = MusicgenForConditionalGeneration(cfg)
model.set_attn_implementation("eager")
cfg.decoder.decoder_start_token_id = model.config.decoder.decoder_start_token_id = model.decoder.config.decoder_start_token_id = V
g = torch.Generator().manual_seed(1)
with torch.no_grad():
    for name, p in sorted(model.named_parameters()):
        r = torch.randn(p.shape, generator=g)
        if "norm" in name: p.copy_((1 + .1 * r) if name.endswith("weight") else .1 * r)
        elif p.dim() == 1: p.copy_(.1 * r)
        elif "embed_tokens" in name: p.copy_(.5 * r)
        else: p.copy_(r * 1.2 / math.sqrt(p.shape[-1]))
kept = {k: v.detach().clone().contiguous() for k, v in model.state_dict().items() if k.startswith(("decoder.", "enc_to_dec_proj.")) and not k.endswith("embed_positions.weights")}

model = get_peft_model(model, LoraConfig(r=2, lora_alpha=3, lora_dropout=0.0, bias="none", use_rslora=True,
    target_modules=r".*decoder\.model\.decoder\.layers\.\d+\.((self_attn|encoder_attn)\.(q_proj|k_proj|v_proj|out_proj)|fc1|fc2)"))
model.train()
with torch.no_grad():
    for name, p in model.named_parameters():
        if "lora_B" in name: p.copy_(.1 * torch.randn(p.shape, generator=g))
        elif "lora_A" in name: p.copy_(torch.randn(p.shape, generator=g) / math.sqrt(p.shape[1]))
state = lambda: {k: v.detach().clone() for k, v in peft.get_peft_model_state_dict(model).items()}

STEPS, LR = 4, 2e-2
params = [p for p in model.parameters() if p.requires_grad]
adamw = torch.optim.AdamW(params, lr=LR, betas=(.9, .95), eps=1e-8, weight_decay=.1)
schedule = get_cosine_schedule_with_warmup(adamw, 0, STEPS)
tensors = {**{f"weights/{k}": v for k, v in kept.items()}, **{f"init/{k}": v for k, v in state().items()}}
losses, norms, rates = [], [], []
for step in range(STEPS):
    states = torch.randn(B, WORDS, D_TEXT, generator=g)
    mask = (torch.arange(WORDS)[None] < torch.tensor([4, 2, 3, 1, 4])[:, None]).float()
    codes = torch.randint(0, V, (B, K, S), generator=g)
    labels = torch.full((B, K, S + K - 1), -100)
    for k in range(K): labels[:, k, k:k + S] = codes[:, k]
    for row, frames in enumerate([9, 4, 9, 1, 6]):                 # shorter clips: nothing is asked behind their ends
        for k in range(K): labels[row, k, k + frames:] = -100
    labels = labels.transpose(1, 2).contiguous()
    adamw.zero_grad()
    loss = model(encoder_outputs=BaseModelOutput(last_hidden_state=states), attention_mask=mask, labels=labels, use_cache=False).loss
    loss.backward()
    losses.append(loss.item()); rates.append(schedule.get_last_lr()[0])
    norms.append(float(torch.nn.utils.clip_grad_norm_(params, .5)))
    adamw.step(); schedule.step()
    tensors.update({f"step{step + 1}/states": states, f"step{step + 1}/mask": mask, f"step{step + 1}/labels": labels})
tensors.update({f"final/{k}": v for k, v in state().items()})
save_file({k: v.contiguous() for k, v in tensors.items()}, os.path.join(out, "training.safetensors"))

probe = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
warmed = get_cosine_schedule_with_warmup(probe, 3, 10)
rates_warmed = []
for _ in range(11):
    rates_warmed.append(warmed.get_last_lr()[0]); probe.step(); warmed.step()
json.dump({"losses": losses, "grad_norms_before_clip": norms, "learning_rates": rates, "max_norm": .5, "warmup_3_of_10": rates_warmed,
           "adamw": {"lr": LR, "betas": [.9, .95], "eps": 1e-8, "weight_decay": .1}}, open(os.path.join(out, "training.json"), "w"), indent=1)
print(losses, norms, rates)
