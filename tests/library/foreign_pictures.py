"""Pictures as other programs leave them, made with Pillow, and what must be read from each."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image
from PIL.PngImagePlugin import PngInfo

SIZE = (64, 72)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A program's texts in a PNG, and what they say."""

    texts: dict[str, str]
    program: str
    fields: dict[str, object]
    model: str | None = None
    loras: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


BASIC: dict[str, object] = {
    "prompt": "a red fox",
    "negative_prompt": "dogs",
    "steps": 20,
    "seed": 42,
}


def write_png(path: Path, texts: dict[str, str]) -> Path:
    """A small PNG with text chunks."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    Image.new("RGB", SIZE, "teal").save(path, pnginfo=info)
    return path


def write_hidden(path: Path, text: str, is_packed: bool = True) -> Path:
    """NovelAI's way: bits of the transparency, down the columns."""
    data = gzip.compress(text.encode()) if is_packed else text.encode()
    mark = b"stealth_pngcomp" if is_packed else b"stealth_pnginfo"
    stream = mark + (len(data) * 8).to_bytes(4, "big") + data
    bits = [byte >> (7 - i) & 1 for byte in stream for i in range(8)]
    width, height = SIZE
    image = Image.new("RGBA", (width * 4, height), (9, 9, 9, 254))
    for place, bit in enumerate(bits):
        image.putpixel((place // height, place % height), (9, 9, 9, 254 | bit))
    image.save(path)
    return path


def xmp(comment: str = "", description: str = "") -> str:
    """An XMP packet as ImageIO writes it."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(description)}</rdf:li>'
        "</rdf:Alt></dc:description><exif:UserComment><rdf:Alt>"
        f'<rdf:li xml:lang="x-default">{escape(comment)}</rdf:li></rdf:Alt></exif:UserComment>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


COMFY_GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/ink.safetensors"}},
    "2": {
        "class_type": "LoraLoader",
        "inputs": {"lora_name": "wash.safetensors", "strength_model": 0.8, "model": ["1", 0]},
    },
    "3": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["2", 1]}},
    "4": {"class_type": "PrimitiveNode", "inputs": {"text": "a red fox"}},
    "5": {"class_type": "CLIPTextEncode", "inputs": {"text": ["4", 0], "clip": ["3", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "dogs", "clip": ["3", 0]}},
    "7": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}},
    "8": {
        "class_type": "KSampler",
        "inputs": {
            **{"seed": 42, "steps": 20, "cfg": 7.5, "denoise": 1.0},
            **{"sampler_name": "euler_ancestral", "scheduler": "normal"},
            **{"model": ["2", 0], "positive": ["5", 0], "negative": ["6", 0]},
            "latent_image": ["7", 0],
        },
    },
    "9": {"class_type": "VAEDecode", "inputs": {"samples": ["8", 0]}},
    "10": {"class_type": "FaceFixer", "inputs": {"image": ["9", 0]}},
}
DRAW_THINGS = {
    **{"c": "a red fox", "uc": "dogs", "scale": 5.5, "seed": 42, "size": "512x768", "steps": 20},
    **{"sampler": "DPM++ 2M Karras", "model": "ink_f16.ckpt", "strength": 1, "v2": {"loras": []}},
    "lora": [{"model": "wash.ckpt", "weight": 0.6}],
}
MOCHI = (
    "Include in Image: a red fox; Exclude from Image: dogs; Model: ink; Steps: 20; "
    "Guidance Scale: 7.5; Seed: 42; Size: 512x768; Scheduler: DPM-Solver++; "
    "ML Compute Unit: CPU & GPU; Generator: Mochi Diffusion 5.2"
)
NOVEL_AI = {
    **{"prompt": "a red fox", "uc": "dogs", "steps": 20, "seed": 42, "scale": 7.5, "width": 512},
    **{"height": 768, "sampler": "k_euler_ancestral", "noise_schedule": "karras", "sm": False},
}

CASES: dict[str, Case] = {
    "swarm": Case(
        texts={
            "parameters": json.dumps(
                {
                    "sui_image_params": {
                        **{"prompt": "a red fox", "negativeprompt": "dogs", "model": "ink"},
                        **{"seed": 42, "steps": 20, "cfgscale": 7.5, "width": 512, "height": 768},
                        **{"sampler": "dpmpp_2m", "scheduler": "karras", "refinersteps": 4},
                        **{"loras": ["wash"], "loraweights": ["0.8"], "swarm_version": "0.9"},
                    }
                }
            )
        },
        program="SwarmUI",
        fields={
            **BASIC,
            "prompt": "a red fox <lora:wash:0.8>",
            "cfg_scale": 7.5,
            "sampler": "dpmpp_2m",
            "schedule": "karras",
        },
        model="ink",
        loras=("wash",),
        lost=("refinersteps: 4",),
    ),
    "comfy": Case(
        texts={"prompt": json.dumps(COMFY_GRAPH), "workflow": "{}"},
        program="ComfyUI",
        fields={
            **BASIC,
            "prompt": "a red fox <lora:wash:0.8>",
            **{"width": 512, "height": 768, "cfg_scale": 7.5, "clip_skip": 2, "rng": "cpu"},
            **{"sampler": "euler_a", "schedule": "normal"},
        },
        model="sd/ink.safetensors",
        loras=("wash",),
        lost=("Node FaceFixer: not followed",),
    ),
    "invoke": Case(
        texts={
            "invokeai_metadata": json.dumps(
                {
                    **{"positive_prompt": "a red fox", "negative_prompt": "dogs", "steps": 20},
                    **{"seed": 42, "rand_device": "cuda", "cfg_scale": 7.5, "clip_skip": 1},
                    **{"width": 512, "height": 768, "scheduler": "dpmpp_2m_k", "app_version": "5"},
                    "model": {"name": "ink", "base": "sd-1"},
                    "loras": [{"model": {"name": "wash"}, "weight": 0.8}],
                }
            )
        },
        program="InvokeAI",
        fields={
            **BASIC,
            "prompt": "a red fox <lora:wash:0.8>",
            **{"rng": "nv", "clip_skip": 2, "sampler": "dpmpp_2m", "schedule": "karras"},
        },
        model="ink",
        loras=("wash",),
        lost=(),
    ),
    "invoke of old": Case(
        texts={
            "sd-metadata": json.dumps(
                {
                    "model_weights": "ink",
                    "image": {
                        **{"prompt": [{"prompt": "a red fox", "weight": 1}], "steps": 20},
                        **{"seed": 42, "cfg_scale": 7.5, "sampler": "k_euler_a", "type": "txt2img"},
                    },
                }
            )
        },
        program="InvokeAI",
        fields={"prompt": "a red fox", "steps": 20, "seed": 42, "sampler": "euler_a"},
        model="ink",
    ),
    "dream": Case(
        texts={"Dream": '"a red fox" -s 20 -S 42 -W 512 -H 768 -C 7.5 -A k_heun'},
        program="InvokeAI",
        fields={
            **{"prompt": "a red fox", "steps": 20, "seed": 42, "width": 512, "height": 768},
            **{"cfg_scale": 7.5, "sampler": "heun"},
        },
    ),
    "draw things": Case(
        texts={"XML:com.adobe.xmp": xmp(json.dumps(DRAW_THINGS), "a red fox & more")},
        program="Draw Things",
        fields={
            **BASIC,
            "prompt": "a red fox <lora:wash:0.6>",
            "cfg_scale": 5.5,
            "sampler": "dpmpp_2m",
            "schedule": "karras",
        },
        model="ink_f16.ckpt",
        loras=("wash",),
        lost=(),
    ),
    "mochi": Case(
        texts={"XML:com.adobe.xmp": xmp(description=MOCHI)},
        program="Mochi Diffusion",
        fields={**BASIC, "width": 512, "height": 768, "cfg_scale": 7.5, "sampler": "dpmpp_2m"},
        model="ink",
    ),
    "fooocus": Case(
        texts={
            "fooocus_scheme": "fooocus",
            "parameters": json.dumps(
                {
                    **{"prompt": "a red fox", "negative_prompt": "dogs", "steps": 20, "seed": "42"},
                    **{"guidance_scale": 4.0, "resolution": "(512, 768)", "base_model": "ink"},
                    **{"sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "sharpness": 2.0},
                    **{"loras": [["wash", 0.5, "abc"]], "version": "Fooocus v2.5.5"},
                }
            ),
        },
        program="Fooocus",
        fields={
            **BASIC,
            "prompt": "a red fox <lora:wash:0.5>",
            **{"width": 512, "height": 768, "cfg_scale": 4.0},
            **{"sampler": "dpmpp_2m_sde", "schedule": "karras"},
        },
        model="ink",
        loras=("wash",),
        lost=("sharpness: 2.0",),
    ),
    "easy diffusion": Case(
        texts={
            **{"prompt": "a red fox", "Negative Prompt": "dogs", "Seed": "42"},
            **{"num_inference_steps": "20", "guidance_scale": "7.5", "width": "512"},
            **{"height": "768", "sampler_name": "euler_a", "use_stable_diffusion_model": "ink"},
            **{"use_lora_model": "None", "clip_skip": "False", "use_upscale": "x4"},
        },
        program="Easy Diffusion",
        fields={**BASIC, "width": 512, "height": 768, "cfg_scale": 7.5, "sampler": "euler_a"},
        model="ink",
        lost=("use_upscale: x4",),
    ),
    "novel ai": Case(
        texts={
            **{"Software": "NovelAI", "Description": "a red fox", "Source": "Stable Diffusion F1"},
            "Comment": json.dumps(NOVEL_AI),
        },
        program="NovelAI",
        fields={**BASIC, "width": 512, "sampler": "euler_a", "schedule": "karras"},
        model="Stable Diffusion F1",
    ),
    "a1111": Case(
        texts={
            "parameters": "a red fox <lora:wash:0.8>\nNegative prompt: dogs\n"
            "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 42, Size: 512x768, "
            "Model hash: 6ce0161689, Model: ink, Hires upscale: 2, Version: v1.5.0"
        },
        program="A1111",
        fields={
            **{"prompt": "a red fox <lora:wash:0.8>", "negative_prompt": "dogs", "seed": 42},
            **{"sampler": "dpmpp_2m", "schedule": "karras", "rng": "nv"},
        },
        model="ink",
        loras=("wash",),
        lost=("Hires upscale: 2",),
    ),
}
