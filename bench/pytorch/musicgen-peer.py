"""MusicGen in transformers and PEFT, to measure ours against: the same folder, adapter and batches, on the CPU.

Reads one JSON request a line on stdin and answers each with one JSON line on stdout, so that it can take turns with
another process. Both sides are told the states that a text encoder would give, and codes are taken before the codec.
Needs Python 3.9 and `pip install torch "transformers<5" peft`; nothing else.
"""

import json
import os
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
try:
    import peft
    import torch
    import transformers
    from safetensors.torch import load_file
    from transformers import LogitsProcessor, LogitsProcessorList, MusicgenForConditionalGeneration
    from transformers.modeling_outputs import BaseModelOutput
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit(0)

transformers.utils.logging.disable_progress_bar()


class Rounded(LogitsProcessor):
    """In steps of 1/1024, as ours, so that last bits do not decide."""

    def __call__(self, input_ids, scores):
        return torch.round(scores * 1024) / 1024


class LatestFirst(LogitsProcessorList):
    """So that guidance, which MusicGen appends, comes before the rounding."""

    def append(self, processor):
        self.insert(0, processor)


class Training:
    def __init__(self, request):
        model = MusicgenForConditionalGeneration.from_pretrained(request["model"])
        if "adapter" in request:
            model = peft.PeftModel.from_pretrained(model, request["adapter"], is_trainable=True)
        else:
            model.freeze_text_encoder()
            model.freeze_audio_encoder()
        self.model = model.train()
        batch = load_file(request["batch"])
        self.told = {"encoder_outputs": BaseModelOutput(batch["states"]), "attention_mask": batch["mask"].long()}
        self.labels = batch["labels"].long()
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        hyper = request["hyper"]
        rate, betas, decay = hyper["learningRate"], tuple(hyper["betas"]), hyper["weightDecay"]
        self.optimizer = torch.optim.AdamW(parameters, lr=rate, betas=betas, weight_decay=decay, fused=True)

    def step(self):
        loss = self.model(**self.told, labels=self.labels, use_cache=False).loss
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


class Generation:
    def __init__(self, request):
        self.model = MusicgenForConditionalGeneration.from_pretrained(request["model"]).eval()
        self.keep_codes(self.model.audio_encoder)

    def keep_codes(self, codec):
        decode = codec.decode

        def keep(codes, *args, **kwargs):
            self.codes = codes[0]  # [B, K, frames]
            return decode(codes[..., :1], *args, **kwargs)

        codec.decode = keep

    def tell(self, request):
        text = load_file(request["text"])
        self.states, self.mask = text["states"], text["mask"].long()
        return {}

    @torch.inference_mode()
    def compose(self, request):
        """Codes [B, K, frames] with guidance and a key-value cache; without top_k the likeliest ones."""
        nothing = torch.zeros_like
        sampling = {"do_sample": True, "top_k": request["topK"]} if "topK" in request else {"do_sample": False, "logits_processor": LatestFirst([Rounded()])}
        self.model.generate(
            self.mask,  # tells nothing but how many clips there are
            encoder_outputs=BaseModelOutput(torch.cat([self.states, nothing(self.states)])),
            attention_mask=torch.cat([self.mask, nothing(self.mask)]),
            guidance_scale=request["guidance"],
            max_length=request["frames"] + self.model.decoder.num_codebooks,
            use_cache=True,
            **sampling,
        )
        return self.codes


def timed(times, work):
    results, took = [], []
    for _ in range(times):
        started = time.perf_counter()
        results.append(work())
        took.append(1000 * (time.perf_counter() - started))
    return results, took


def peak_bytes():
    """The most memory this process ever had; what Linux tells of a process's usage begins with that of its parent."""
    try:
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    job = None
    print(json.dumps({"torch": f"{torch.__version__}, transformers {transformers.__version__}, PEFT {peft.__version__}"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["kind"]
        answer = {}
        if kind == "threads":
            torch.set_num_threads(request["threads"])
        elif kind == "train":
            job = Training(request)
        elif kind == "step":
            losses, took = timed(request["times"], job.step)
            answer = {"losses": losses, "ms": took}
        elif kind == "generation":
            job = Generation(request)
        elif kind == "tell":
            answer = job.tell(request)
        elif kind == "compose":
            codes, took = timed(request["times"], lambda: job.compose(request))
            answer = {"codes": codes[-1].flatten().tolist(), "ms": took}
        elif kind == "peak":
            answer = {"bytes": peak_bytes()}
        else:
            answer = {"error": f"unknown request {kind}"}
        print(json.dumps(answer), flush=True)


main()
