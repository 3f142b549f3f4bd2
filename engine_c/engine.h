/* engine.h: all that Python sees of the engine. This header is the binding: build_engine.py hands
 * the part between the two marker lines to cffi as it stands, so it is plain C with literal sizes.
 *
 * A program that makes a picture:
 *
 *     sd_engine_options options = {.backend = SD_BACKEND_AUTO};
 *     sd_engine *engine; sd_model *model; sd_error error;
 *     sd_engine_open(&engine, &options, &error);
 *     sd_model_open(&model, engine, tensors, tensor_count, &config, &error);
 *     sd_generate(model, &request, &callbacks, rgb, &error);
 *     sd_model_close(model);
 *     sd_engine_close(engine);
 *
 * Rules: out-parameters first, then the object, then the rest. Every function that can fail returns
 * a status and fills the caller's sd_error with one sentence. Lifetimes: engine > model > call. One
 * call at a time per engine, from any thread; only sd_cancel and sd_engine_condition may be called
 * while another runs.
 * The engine reads no file and no environment, prints nothing and keeps nothing that it was given,
 * save the tensors' data, which must stay readable until sd_model_close, and adapters' factors. */
#ifndef SD_ENGINE_H
#define SD_ENGINE_H

#include <stddef.h>
#include <stdint.h>

/* binding begins */

typedef enum sd_status {
  SD_OK = 0,
  SD_CANCELLED = 1,
  SD_BAD_ARGUMENT = 2,
  SD_BAD_MODEL = 3,
  SD_OUT_OF_MEMORY = 4,
  SD_NON_FINITE = 5,
  SD_BACKEND_FAILED = 6,
  SD_BACKEND_LOST = 7 /* the device takes no further work of this process: it must be restarted */
} sd_status;

typedef struct sd_error {
  sd_status status;
  char text[256]; /* one sentence, UTF-8, empty when status is SD_OK */
} sd_error;

typedef enum sd_dtype {
  SD_F32 = 0,
  SD_F16 = 1,
  SD_BF16 = 2,
  SD_F8_E4M3 = 3, /* e4m3fn: no infinity, 0x7f and 0xff are NaN */
  SD_F8_E5M2 = 4,
  SD_I32 = 5, /* token ids and counts; never a weight */
  /* ggml's block formats, of weights alone: 32 numbers with scales in common, or 256 (K) */
  SD_Q4_0 = 6,
  SD_Q4_1 = 7,
  SD_Q5_0 = 8,
  SD_Q5_1 = 9,
  SD_Q8_0 = 10,
  SD_Q2_K = 11,
  SD_Q3_K = 12,
  SD_Q4_K = 13,
  SD_Q5_K = 14,
  SD_Q6_K = 15
} sd_dtype;

typedef enum sd_backend {
  SD_BACKEND_AUTO = 0,
  SD_BACKEND_CPU = 1,
  SD_BACKEND_METAL = 2
} sd_backend;

typedef enum sd_prediction { SD_PREDICT_EPSILON = 0, SD_PREDICT_V = 1 } sd_prediction;

typedef enum sd_sampler {
  SD_EULER = 0,
  SD_EULER_A = 1,
  SD_HEUN = 2,
  SD_DPMPP_2M = 3,
  SD_DPMPP_2M_SDE = 4,
  SD_DDIM = 5,
  SD_LCM = 6
} sd_sampler;

typedef enum sd_schedule {
  SD_NORMAL = 0,
  SD_KARRAS = 1,
  SD_EXPONENTIAL = 2,
  SD_SGM_UNIFORM = 3,
  SD_SIMPLE = 4
} sd_schedule;

typedef enum sd_rng {
  SD_RNG_CPU = 0, /* torch's CPU generator: MT19937 and Box-Muller */
  SD_RNG_NV = 1   /* Philox, as torch on CUDA draws */
} sd_rng;

typedef enum sd_preview {
  SD_PREVIEW_NONE = 0,
  SD_PREVIEW_LATENT_RGB = 1,
  SD_PREVIEW_TAESD = 2
} sd_preview;

/* What stands where the mask paints before the first step. All but the original know nothing of
 * what was there: kept latents are encoded with the fill beside them. */
typedef enum sd_masked_content {
  SD_CONTENT_ORIGINAL = 0,
  SD_CONTENT_FILL = 1, /* colours of the kept surroundings */
  SD_CONTENT_LATENT_NOISE = 2,
  SD_CONTENT_LATENT_NOTHING = 3 /* latents of 0 */
} sd_masked_content;

/* ---- engine ---- */

typedef struct sd_engine sd_engine;
typedef struct sd_model sd_model;

/* One library of Metal kernels, compiled when the engine opens. */
typedef struct sd_metal_source {
  const char *library; /* "core", "bf16" or "tensor" */
  const char *text;    /* Metal Shading Language, with nothing to include but Metal's own */
  int32_t language;    /* its version times ten: 30 is MSL 3.0 */
} sd_metal_source;

typedef struct sd_engine_options {
  sd_backend backend; /* auto: Metal where it opens and passes its start-up check, else the CPU */
  int32_t threads;    /* worker threads; 0: one per processor */
  int32_t isa;        /* CPU instruction set: -1 best, else the index of a row of sd_isa_name */
  const sd_metal_source *metal_sources; /* read during sd_engine_open alone */
  int32_t metal_source_count;           /* 0: no Metal */
  /* sd_report.tuning of an earlier start with the same sources, engine and system: that start's
   * timing of the GPU is then not done again. NULL or a text that does not fit: it is done. */
  const char *metal_tuning;
  int32_t plans_only; /* 1: no device is opened: models can be planned, not run; not with auto */
} sd_engine_options;

sd_status sd_engine_open(sd_engine **out, const sd_engine_options *options, sd_error *error);
void sd_engine_close(sd_engine *engine); /* NULL is allowed; models must be closed before */

/* Asks the running sd_generate to stop; it returns SD_CANCELLED within 100 ms. From any thread.
 * One that comes before sd_generate has begun is lost: whoever asks that early answers the first
 * progress call, at SD_PHASE_TEXT, with non-zero. */
void sd_cancel(sd_engine *engine);

/* The start-up check: one row per operator of ops.def, run on this backend and compared with a
 * plain reference. error_ratio: the largest error over the row's tolerance; at most 1 passes. */
typedef struct sd_op_check {
  char op[32];
  char served_by[16]; /* the backend that runs it: "cpu" or "metal" */
  double error_ratio;
  double elapsed_ms;
  int32_t passed;
} sd_op_check;

typedef struct sd_device_info {
  char backend[16];      /* "cpu" or "metal" */
  char device[128];      /* the processor's or GPU's name */
  char instructions[16]; /* "avx512_amx", "avx2", "neon", ...: a name of sd_isa_name */
  int32_t threads;
  int64_t allocated_bytes; /* held now by the engine: weights and arena */
} sd_device_info;

void sd_engine_device(sd_device_info *out, const sd_engine *engine);

/* Fills up to `capacity` rows and sets *count to the number of operators. */
sd_status sd_engine_self_test(sd_op_check *out, int32_t *count, sd_engine *engine, int32_t capacity,
                              sd_error *error);

typedef struct sd_library_report {
  char name[16];
  int32_t language; /* MSL version times ten */
  int32_t is_ready;
  double elapsed_ms;
  const char *log; /* all that the compiler said, or why it was not asked; may be empty */
} sd_library_report;

typedef struct sd_pipeline_report {
  const char *name, *library;
  int32_t max_threads;       /* of one threadgroup; 0: the pipeline is not there */
  int32_t threadgroup_bytes; /* that the kernel itself declares */
  const char *log;           /* what the compiler said; may be empty */
} sd_pipeline_report;

/* An operator that the CPU serves in the device's place. */
typedef struct sd_fallback_report {
  char op[32];
  char reason[224];
} sd_fallback_report;

/* What the start-up check found. Its texts and rows live as long as the engine. */
typedef struct sd_report {
  char family[32];   /* of the GPU: "Apple7" is an M1; empty on the CPU */
  char refusal[256]; /* why `auto` did not take Metal; empty where it did, or was not asked */
  char tuning[256];  /* what the timing of the GPU found, one line; empty where there was none */
  const sd_library_report *libraries;
  const sd_pipeline_report *pipelines;
  const sd_fallback_report *fallbacks;
  const sd_op_check *checks; /* as sd_engine_self_test gives them, made at opening; CPU: none */
  int32_t library_count, pipeline_count, fallback_count, check_count;
} sd_report;

void sd_engine_report(sd_report *out, const sd_engine *engine);

typedef enum sd_pressure {
  SD_PRESSURE_NORMAL = 0,
  SD_PRESSURE_WARNING = 1,
  SD_PRESSURE_CRITICAL = 2
} sd_pressure;

typedef enum sd_thermal {
  SD_THERMAL_NOMINAL = 0,
  SD_THERMAL_FAIR = 1,
  SD_THERMAL_SERIOUS = 2,
  SD_THERMAL_CRITICAL = 3
} sd_thermal;

/* How the machine fares, as the system says; the CPU backend knows only what it allocated. */
typedef struct sd_condition {
  int64_t allocated_bytes;   /* by this process, in the device's reach */
  int64_t working_set_bytes; /* what the system recommends to stay under; 0: unknown */
  sd_pressure pressure;      /* of memory */
  sd_thermal thermal;
  int32_t is_low_power;
} sd_condition;

/* From any thread, also while another call runs. */
void sd_engine_condition(sd_condition *out, const sd_engine *engine);

/* Name of instruction set `index` ("generic", "avx2", ...) or NULL past the end;
 * *usable says whether this processor has it. */
const char *sd_isa_name(int32_t *usable, int32_t index);

/* ---- model ---- */

/* One weight where it lies. Names are the engine's own: "text.", "text2." (SDXL's second text
 * encoder), "unet.", "vae." and "taesd.decoder." / "taesd.encoder." before the name inside that
 * network (CLIP's names without "text_model.", the original UNet's and VAE's names). Shapes are the
 * file's: convolutions [out][in][height][width], linear layers [out][in]. */
typedef struct sd_tensor {
  const char *name;
  const void *data; /* NULL: the model can be planned but not run */
  int64_t shape[4]; /* the first `rank` count */
  int32_t rank;     /* 1 to 4 */
  sd_dtype dtype;   /* in a block format, the numbers behind one `out` are whole blocks */
  /* The read-only mapping of a file that `data` lies in, whole: its pages may be dropped once the
   * tensor is packed. NULL: other memory. */
  const void *mapping;
  int64_t mapping_bytes;
} sd_tensor;

typedef struct sd_model_config {
  int32_t unet_heads;     /* attention heads at every level, or 0: by unet_head_size */
  int32_t unet_head_size; /* channels of one head where unet_heads is 0 */
  int32_t text_heads;
  int32_t text2_heads; /* of the second text encoder; read where there is one */
  sd_prediction prediction;
  float latent_scale;  /* latents = encoder mean * latent_scale; 0.18215 for SD 1.x, 0.13025 XL */
  int32_t vae_is_wide; /* 1: the VAE leaves f16's range (SDXL's), so f16 is f32 there */
  double beta_start;   /* scaled-linear betas: 0.00085 and 0.012 for SD 1.x, 1000 steps */
  double beta_end;
  int32_t has_latent_rgb;
  float latent_rgb[5][3]; /* preview: rows are 4 latent channels and a bias, columns RGB in -1..1 */
} sd_model_config;

/* Checks every tensor's presence and shape and fixes all sizes. Touches no weight's data. */
sd_status sd_model_open(sd_model **out, sd_engine *engine, const sd_tensor *tensors, int32_t count,
                        const sd_model_config *config, sd_error *error);
void sd_model_close(sd_model *model);

typedef struct sd_model_info {
  int64_t text_parameters, unet_parameters, vae_parameters, taesd_parameters;
  int32_t text_width, text_layers, text_vocabulary, unet_in_channels, unet_channels, unet_levels,
      context_width;
  int32_t text2_width, text2_layers, text2_vocabulary, pooled_width; /* 0: no second encoder */
  int32_t vector_width; /* that the UNet takes: pooled text and sizes; 0: none */
  int32_t has_text, has_unet, has_vae_encoder, has_vae_decoder, has_taesd_encoder,
      has_taesd_decoder;
} sd_model_info;

void sd_model_describe(sd_model_info *out, const sd_model *model);

/* Frees the packed weights; the next sd_generate packs them again. */
void sd_model_release_weights(sd_model *model);

/* A matrix [rows][columns][taps], taps being kernel height times width (1 in a linear layer): the
 * product of up [rows][rank] and down [rank][columns][taps]. With mid [rank][rank][taps], down is
 * [rank][columns] and mid stands between the two. With rank 0, up is the matrix itself. */
typedef struct sd_factor {
  const void *up, *mid, *down; /* mid and down may be NULL */
  sd_dtype dtype;              /* of all three */
  int32_t rows, columns, taps, rank;
  int32_t up_is_transposed; /* 1: up is [rank][rows] */
} sd_factor;

typedef enum sd_adapter_kind {
  SD_ADAPTER_PLAIN = 0,    /* first: LoRA, LoCon, whole differences */
  SD_ADAPTER_HADAMARD = 1, /* first times second, number by number: LoHa */
  SD_ADAPTER_KRONECKER = 2 /* first's Kronecker product with second, whose taps it has: LoKr */
} sd_adapter_kind;

/* What is added to one weight: scale times the matrix of `kind`. */
typedef struct sd_adapter {
  const char *name; /* of a sd_tensor of the model */
  sd_adapter_kind kind;
  float scale;
  sd_factor first, second; /* second is read only by the kinds that name it */
} sd_adapter;

/* Puts these in the place of the model's adapters; 0 of them gives the model as it was, bit for
 * bit. Each name may come several times. The factors must stay readable until others are set or the
 * model is closed. Weights are merged as they are packed; those whose adapters do not change stay
 * packed. SD_BAD_ARGUMENT names a weight that is not there or has another shape; nothing has
 * changed then. */
sd_status sd_model_set_adapters(sd_model *model, const sd_adapter *adapters, int32_t count,
                                sd_error *error);

/* ---- generation ---- */

/* A prompt as chunks of 77 tokens: start, up to 75 tokens, end and padding. */
typedef struct sd_prompt {
  const int32_t *tokens;  /* [chunk_count][77] */
  const int32_t *tokens2; /* likewise, for a second text encoder; not read where there is none */
  const float *weights;   /* [chunk_count][77], 1 where nothing is weighted */
  int32_t chunk_count;    /* at least 1; 0, as a negative prompt: conditioning of zeros */
} sd_prompt;

typedef struct sd_request {
  sd_prompt prompt;
  sd_prompt negative_prompt; /* read only if cfg_scale is not 1 */
  const float *extra_rows;   /* [extra_row_count][text_width]: token ids from text_vocabulary on */
  int32_t extra_row_count;   /* 0 for a model with two text encoders */
  int32_t width, height;     /* pixels, multiples of 8 */
  int32_t steps;
  int32_t batch_count; /* pictures made side by side; picture i has seed + i */
  int32_t clip_skip;   /* 1: the last layer's output, 2: the one before (SDXL: so is 1), ... */
  sd_sampler sampler;
  sd_schedule schedule;
  sd_rng rng;
  float cfg_scale;
  float denoise_strength; /* with init_image: 0..1, part of the schedule that is run */
  uint64_t seed;
  const uint8_t *init_image; /* [height][width][3] RGB or NULL */
  /* With init_image: [height][width], 255 paints anew, 0 keeps the pixel exactly, between blends;
   * NULL: nothing is kept. With strength 1 what is painted does not know what was there. */
  const uint8_t *mask;
  sd_masked_content masked_content; /* read only with a mask */
  int32_t is_patch; /* 1: finished pictures come as they were decoded, also where the mask keeps:
                     * the caller puts them into a larger one, through its own mask */
  sd_preview preview;
  sd_dtype precision;      /* storage of activations: SD_F32, SD_F16 or, on the CPU and on GPUs that
                            * have it, SD_BF16, which the CPU multiplies as such where it can */
  int32_t release_weights; /* 1: free each network's weights after its phase: least memory */
  int32_t vae_tile; /* 0: the VAE sees a picture whole; else in tiles of this many latents a side,
                     * at least 16, which overlap by a quarter or more: less memory */
  int32_t preview_tile; /* the same for TAESD's previews */
} sd_request;

/* Bytes, known before anything is loaded. A phase's peak is what is allocated while it runs:
 * resident weights, arena and workspace. */
typedef struct sd_plan_figures {
  int64_t text_weights, unet_weights, vae_weights, taesd_weights; /* packed for the backend */
  int64_t text_activations, denoise_activations,
      decode_activations; /* arena by phase; decode: the VAE */
  int64_t workspace;      /* the backend's scratch, all phases */
  int64_t merging;        /* while weights are packed: the largest that adapters change, in peaks */
  int64_t text_peak, denoise_peak, decode_peak, peak; /* peak: the largest of the three */
} sd_plan_figures;

sd_status sd_plan(sd_plan_figures *out, sd_model *model, const sd_request *request,
                  sd_error *error);

typedef enum sd_phase { SD_PHASE_TEXT = 0, SD_PHASE_DENOISE = 1, SD_PHASE_DECODE = 2 } sd_phase;

typedef struct sd_progress {
  sd_phase phase;
  int32_t step, steps;    /* of the denoise phase: step 1 to steps is done */
  const uint8_t *preview; /* [batch_count][height][width][3] RGB or NULL */
  int32_t preview_width, preview_height;
} sd_progress;

/* Return non-zero to stop; sd_generate then returns SD_CANCELLED. */
typedef int32_t (*sd_progress_fn)(const sd_progress *progress, void *user_data);

typedef struct sd_callbacks {
  sd_progress_fn progress; /* NULL is allowed */
  void *user_data;
} sd_callbacks;

typedef struct sd_timings {
  double load_ms, text_ms, denoise_ms, decode_ms; /* load: packing of weights, inside the others */
} sd_timings;

/* rgb: [batch_count][height][width][3]; of no meaning unless SD_OK is returned.
 * latents: NULL or [batch_count][height/8][width/8][4], the final latents (scaled).
 * note: a sentence where something was rerun in f32, else empty; 256 bytes. */
typedef struct sd_result {
  uint8_t *rgb;
  float *latents;
  sd_timings timings;
  char note[256];
} sd_result;

sd_status sd_generate(sd_result *result, sd_model *model, const sd_request *request,
                      const sd_callbacks *callbacks, sd_error *error);

/* binding ends */

#endif
