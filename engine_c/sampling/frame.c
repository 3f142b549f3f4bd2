/* frame: see frame.h. */
#include "sampling/frame.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "graph/plan.h"
#include "networks/adapters.h"
#include "networks/clip.h"
#include "networks/taesd.h"
#include "networks/vae.h"

enum { FRAME_SIZE_LIMIT = 8192, FRAME_STEP_LIMIT = 1000, FRAME_BATCH_LIMIT = 64 };
enum { FRAME_CHUNK_LIMIT = 64, FRAME_EXTRA_ROW_LIMIT = 4096, FRAME_LATENT_FACTOR = 8 };

static int frame_uses_cfg(const sd_request *r) { return r->cfg_scale != 1.0f; }

int frame_decodes_by_taesd(const frame *f) { return !f->model->info.has_vae_decoder; }

static int frame_encodes(const frame *f) {
  return f->request->init_image || f->model->info.unet_in_channels == 9;
}

/* ---- the request ---- */

static sd_status frame_check_tokens(const int32_t *ids, int32_t count, int32_t tokens,
                                    sd_error *error) {
  for (int32_t i = 0; i < count; i++)
    if (ids[i] < 0 || ids[i] >= tokens)
      return error_set(error, SD_BAD_ARGUMENT, "the model has no token %d", ids[i]);
  return SD_OK;
}

/* least: chunks that it must have. */
static sd_status frame_check_prompt(const frame *f, const sd_prompt *prompt, int32_t least,
                                    sd_error *error) {
  const sd_model_info *info = &f->model->info;
  if (prompt->chunk_count < least || prompt->chunk_count > FRAME_CHUNK_LIMIT)
    return error_set(error, SD_BAD_ARGUMENT, "a prompt must have 1 to %d chunks of tokens",
                     FRAME_CHUNK_LIMIT);
  int32_t count = prompt->chunk_count * CLIP_TOKENS;
  for (int32_t i = 0; i < count; i++)
    if (!isfinite(prompt->weights[i]))
      return error_set(error, SD_BAD_ARGUMENT, "a weight in the prompt is not a finite number");
  sd_status status = frame_check_tokens(prompt->tokens, count,
                                        info->text_vocabulary + f->request->extra_row_count, error);
  if (status || !count || !info->text2_width) return status;
  if (!prompt->tokens2)
    return error_set(error, SD_BAD_ARGUMENT, "a model with two text encoders needs tokens of both");
  return frame_check_tokens(prompt->tokens2, count, info->text2_vocabulary, error);
}

static sd_status frame_check_extra_rows(const frame *f, sd_error *error) {
  const sd_request *r = f->request;
  if (r->extra_row_count < 0 || r->extra_row_count > FRAME_EXTRA_ROW_LIMIT)
    return error_set(error, SD_BAD_ARGUMENT, "a request may have up to %d extra rows of tokens",
                     FRAME_EXTRA_ROW_LIMIT);
  if (r->extra_row_count && f->model->info.text2_width)
    return error_set(error, SD_BAD_ARGUMENT,
                     "a model with two text encoders takes no extra rows of tokens");
  int64_t count = (int64_t)r->extra_row_count * f->model->info.text_width;
  for (int64_t i = 0; i < count; i++)
    if (!isfinite(r->extra_rows[i]))
      return error_set(error, SD_BAD_ARGUMENT, "an extra row of a token is not finite");
  return SD_OK;
}

static int frame_is_tile(int32_t tile) {
  return !tile || (tile >= TILES_SMALLEST && tile <= FRAME_SIZE_LIMIT);
}

static sd_status frame_check_numbers(const sd_request *r, sd_error *error) {
  if (r->width < 64 || r->height < 64 || r->width > FRAME_SIZE_LIMIT ||
      r->height > FRAME_SIZE_LIMIT || r->width % FRAME_LATENT_FACTOR ||
      r->height % FRAME_LATENT_FACTOR)
    return error_set(error, SD_BAD_ARGUMENT,
                     "width and height must be multiples of 8 from 64 to %d", FRAME_SIZE_LIMIT);
  if (r->steps < 1 || r->steps > FRAME_STEP_LIMIT)
    return error_set(error, SD_BAD_ARGUMENT, "steps must be 1 to %d", FRAME_STEP_LIMIT);
  if (r->batch_count < 1 || r->batch_count > FRAME_BATCH_LIMIT)
    return error_set(error, SD_BAD_ARGUMENT, "batch count must be 1 to %d", FRAME_BATCH_LIMIT);
  if (!isfinite(r->cfg_scale))
    return error_set(error, SD_BAD_ARGUMENT, "cfg scale must be a finite number");
  if (r->init_image && !(r->denoise_strength >= 0 && r->denoise_strength <= 1))
    return error_set(error, SD_BAD_ARGUMENT, "denoise strength must be 0 to 1");
  if (r->mask && !r->init_image)
    return error_set(error, SD_BAD_ARGUMENT, "a mask needs a picture to begin from");
  if (r->mask && (int)r->masked_content > SD_CONTENT_LATENT_NOTHING)
    return error_set(error, SD_BAD_ARGUMENT, "the masked content is unknown");
  if (!frame_is_tile(r->vae_tile) || !frame_is_tile(r->preview_tile))
    return error_set(error, SD_BAD_ARGUMENT, "tiles must be %d latents or more", TILES_SMALLEST);
  return SD_OK;
}

static sd_status frame_check_model(const frame *f, sd_error *error) {
  const sd_model_info *info = &f->model->info;
  const backend *b = f->model->backend;
  const char *refusal = b->table->cannot_store(b, f->request->precision);
  if (refusal) return error_set(error, SD_BAD_ARGUMENT, "%s", refusal);
  int32_t layers = info->text_layers;
  if (info->text2_width && info->text2_layers < layers) layers = info->text2_layers;
  if (f->request->clip_skip < 1 || f->request->clip_skip > layers)
    return error_set(error, SD_BAD_ARGUMENT, "clip skip must be 1 to %d for this model", layers);
  int encoder = frame_decodes_by_taesd(f) ? info->has_taesd_encoder : info->has_vae_encoder;
  if (frame_encodes(f) && !encoder)
    return error_set(error, SD_BAD_MODEL,
                     "the model cannot start from a picture: its VAE has no encoder");
  if (f->request->preview == SD_PREVIEW_TAESD && !info->has_taesd_decoder)
    return error_set(error, SD_BAD_ARGUMENT, "there is no TAESD to make previews with");
  return SD_OK;
}

static sd_status frame_check(const frame *f, sd_error *error) {
  const sd_request *r = f->request;
  sd_status status = frame_check_numbers(r, error);
  if (!status) status = frame_check_extra_rows(f, error);
  if (!status) status = frame_check_prompt(f, &r->prompt, 1, error);
  if (!status && frame_uses_cfg(r)) status = frame_check_prompt(f, &r->negative_prompt, 0, error);
  return status ? status : frame_check_model(f, error);
}

/* ---- recording ---- */

static void frame_record_encode(frame *f, const network *net, frame_slot *slot) {
  slot->in[0] = graph_input(net->g, SD_F32, 1, slot->tiles.rows.size * FRAME_LATENT_FACTOR,
                            slot->tiles.columns.size * FRAME_LATENT_FACTOR, 3);
  slot->out =
      frame_decodes_by_taesd(f) ? taesd_encode(net, slot->in[0]) : vae_encode(net, slot->in[0]);
}

/* SDXL takes the layer before the last, without the norm, of both encoders. */
static void frame_record_text(frame *f, const network *net, frame_slot *slot) {
  const sd_request *r = f->request;
  const sd_model_config *c = &f->model->config;
  int has_second = f->model->info.text2_width > 0;
  int32_t skip = has_second && r->clip_skip < 2 ? 2 : r->clip_skip;
  clip_config first = {CLIP_FIRST, c->text_heads, skip, !has_second, ACT_QUICK_GELU};
  slot->in[0] = graph_input(net->g, SD_I32, f->chunks, 1, CLIP_TOKENS, 1);
  if (r->extra_row_count)
    slot->in[1] = graph_input(net->g, SD_F32, 1, 1, r->extra_row_count, f->model->info.text_width);
  slot->out = ops_cast(net->g, clip_encode(net, &first, slot->in[0], slot->in[1], NULL), SD_F32);
  if (!has_second) return;
  clip_config second = {CLIP_SECOND, c->text2_heads, skip, 0, ACT_GELU};
  tensor *projected;
  slot->in[2] = graph_input(net->g, SD_I32, f->chunks, 1, CLIP_TOKENS, 1);
  tensor *out2 = clip_encode(net, &second, slot->in[2], NULL, &projected);
  slot->out2 = graph_keep(ops_cast(net->g, out2, SD_F32));
  slot->projected = graph_keep(ops_cast(net->g, projected, SD_F32));
}

static void frame_record_context(frame *f, const network *net, frame_slot *slot) {
  const sd_model_info *info = &f->model->info;
  slot->in[0] = graph_input(net->g, SD_F32, f->prompts, 1, f->tokens, info->context_width);
  if (info->vector_width)
    slot->in[1] =
        graph_input(net->g, SD_F32, f->prompts * f->request->batch_count, 1, 1, info->vector_width);
  unet_project_context(net, slot->in[0], slot->in[1], &f->context);
}

static void frame_record_unet(frame *f, const network *net, frame_slot *slot) {
  const sd_model *m = f->model;
  unet_config config = {m->config.unet_heads, m->config.unet_head_size};
  slot->in[0] = graph_input(net->g, SD_F32, f->prompts * f->request->batch_count, f->latent_h,
                            f->latent_w, m->info.unet_in_channels);
  slot->in[1] = graph_input(net->g, SD_F32, 1, 1, 1, 1);
  slot->in[2] = graph_input(net->g, SD_I32, 1, 1, 1, f->prompts);
  slot->out = unet_predict(net, &config, slot->in[0], slot->in[1], slot->in[2], &f->context);
}

static void frame_record_preview(frame *f, const network *net, frame_slot *slot) {
  slot->in[0] = graph_input(net->g, SD_F32, 1, slot->tiles.rows.size, slot->tiles.columns.size, 4);
  if (f->request->preview == SD_PREVIEW_TAESD) {
    slot->out = taesd_decode(net, slot->in[0]);
    return;
  }
  graph_label(net->g, "preview");
  slot->in[1] = graph_input(net->g, SD_F32, 1, 1, 5, OPS_COLORS);
  slot->out = ops_latent_rgb(net->g, slot->in[0], slot->in[1]);
}

static void frame_record_decode(frame *f, const network *net, frame_slot *slot) {
  slot->in[0] = graph_input(net->g, SD_F32, 1, slot->tiles.rows.size, slot->tiles.columns.size, 4);
  slot->out =
      frame_decodes_by_taesd(f) ? taesd_decode(net, slot->in[0]) : vae_decode(net, slot->in[0]);
}

typedef void (*frame_recorder)(frame *f, const network *net, frame_slot *slot);

static const frame_recorder FRAME_RECORDERS[PART_COUNT] = {
    [PART_ENCODE] = frame_record_encode,   [PART_TEXT] = frame_record_text,
    [PART_CONTEXT] = frame_record_context, [PART_UNET] = frame_record_unet,
    [PART_PREVIEW] = frame_record_preview, [PART_DECODE] = frame_record_decode,
};

/* How a tile's output becomes the whole's: points to a latent, 8 for a picture, 1 for latents. */
static int32_t frame_points(const frame_slot *slot) { return slot->out->h / slot->tiles.rows.size; }

static int64_t frame_aligned(int64_t bytes) {
  return (bytes + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT;
}

/* What outlives a run of the part's graph lies at the arena's beginning: keys and values between
 * the steps, and the whole that is put together from tiles. */
static int64_t frame_place_kept(frame *f, frame_part part) {
  frame_slot *slot = &f->slots[part];
  int is_between_steps = part == PART_UNET || part == PART_PREVIEW;
  int64_t kept = is_between_steps ? frame_aligned(f->slots[PART_CONTEXT].g.arena_bytes) : 0;
  if (tiles_count(&slot->tiles) == 1) return kept;
  slot->whole = *slot->out;
  slot->whole.h = f->latent_h * frame_points(slot);
  slot->whole.w = f->latent_w * frame_points(slot);
  slot->whole.offset = kept;
  return frame_aligned(kept + tensor_bytes(&slot->whole));
}

static int32_t frame_tile_size(const frame *f, frame_part part) {
  if (part == PART_PREVIEW)
    return f->request->preview == SD_PREVIEW_TAESD ? f->request->preview_tile : 0;
  return part == PART_ENCODE || part == PART_DECODE ? f->request->vae_tile : 0;
}

/* Whether the part's activations leave f16's range. */
static int frame_is_wide(const frame *f, frame_part part) {
  int is_vae = part == PART_ENCODE || part == PART_DECODE;
  return is_vae && !frame_decodes_by_taesd(f) && f->model->config.vae_is_wide;
}

static sd_status frame_record(frame *f, frame_part part, sd_dtype dtype, sd_error *error) {
  frame_slot *slot = &f->slots[part];
  int32_t tile = frame_tile_size(f, part);
  graph_close(&slot->g);
  *slot = (frame_slot){0};
  graph_open(&slot->g, frame_is_wide(f, part) && dtype == SD_F16 ? SD_F32 : dtype);
  slot->used = 1;
  slot->tiles = (tiling){tiles_axis(f->latent_h, tile), tiles_axis(f->latent_w, tile)};
  network net = {&slot->g, &f->model->weights};
  FRAME_RECORDERS[part](f, &net, slot);
  if (slot->out) graph_keep(slot->out);
  plan_place(&slot->g, frame_place_kept(f, part));
  if (slot->g.error.status && error) *error = slot->g.error;
  return slot->g.error.status;
}

int frame_previews(const frame *f) {
  const sd_preview wished = f->request->preview;
  return wished == SD_PREVIEW_TAESD ||
         (wished == SD_PREVIEW_LATENT_RGB && f->model->config.has_latent_rgb);
}

static int frame_needs(const frame *f, frame_part part) {
  if (part == PART_ENCODE) return frame_encodes(f);
  if (part == PART_PREVIEW) return frame_previews(f);
  return 1;
}

static int64_t frame_most(int64_t a, int64_t b) { return a > b ? a : b; }

sd_status frame_open(frame *f, sd_model *model, const sd_request *request, sd_error *error) {
  *f = (frame){.model = model, .request = request};
  sd_status status = frame_check(f, error);
  if (status) return status;
  int cfg = frame_uses_cfg(request);
  int32_t negative_chunks = cfg ? request->negative_prompt.chunk_count : 0;
  f->prompts = cfg ? 2 : 1;
  f->chunks = request->prompt.chunk_count + negative_chunks;
  f->tokens = (int32_t)frame_most(request->prompt.chunk_count, negative_chunks) * CLIP_TOKENS;
  f->latent_h = request->height / FRAME_LATENT_FACTOR;
  f->latent_w = request->width / FRAME_LATENT_FACTOR;
  for (frame_part part = 0; part < PART_COUNT && !status; part++)
    if (frame_needs(f, part)) status = frame_record(f, part, request->precision, error);
  if (!status && f->slots[PART_UNET].out->c != 4)
    status = error_set(error, SD_BAD_MODEL, "the UNet must give 4 channels");
  return status;
}

void frame_close(frame *f) {
  for (frame_part part = 0; part < PART_COUNT; part++) graph_close(&f->slots[part].g);
}

sd_status frame_widen(frame *f, frame_part part, sd_error *error) {
  if (part != PART_UNET && part != PART_CONTEXT) return frame_record(f, part, SD_F32, error);
  sd_status status = frame_record(f, PART_CONTEXT, SD_F32, error);
  if (!status) status = frame_record(f, PART_UNET, SD_F32, error);
  if (!status && f->slots[PART_PREVIEW].used)
    status = frame_record(f, PART_PREVIEW, f->slots[PART_PREVIEW].g.dtype, error);
  return status;
}

/* ---- forecast ---- */

/* A weight is counted once: graphs name some twice, and the two VAE graphs share none. */
typedef struct frame_count {
  const backend *b;
  const char *prefix;
  int64_t bytes;
} frame_count;

static void frame_count_weight(void *user, weight *w) {
  frame_count *count = user;
  if (!strncmp(w->name, count->prefix, strlen(count->prefix)))
    count->bytes += count->b->table->weight_bytes(count->b, w);
}

static int64_t frame_weights(const frame *f, frame_part part, const char *prefix) {
  frame_count count = {f->model->backend, prefix, 0};
  if (f->slots[part].used) graph_each_weight(&f->slots[part].g, frame_count_weight, &count);
  return count.bytes;
}

typedef struct frame_merging {
  const sd_model *model;
  int64_t bytes;
} frame_merging;

static void frame_merge_weight(void *user, weight *w) {
  frame_merging *most = user;
  most->bytes = frame_most(most->bytes, adapters_merge_bytes(most->model, w));
}

/* What merging one weight of the part takes for a while, before the arena is the part's. */
static int64_t frame_merge_bytes(const frame *f, frame_part part) {
  frame_merging most = {f->model, 0};
  if (f->slots[part].used) graph_each_weight(&f->slots[part].g, frame_merge_weight, &most);
  return most.bytes;
}

static int64_t frame_activations(const frame *f, frame_part part) {
  return f->slots[part].used ? f->slots[part].g.arena_bytes : 0;
}

/* The parts that take turns while the steps run share one arena that must not move. */
static int64_t frame_arena_bytes(const frame *f, frame_part part) {
  if (part != PART_CONTEXT && part != PART_UNET && part != PART_PREVIEW)
    return frame_activations(f, part);
  return frame_most(
      frame_activations(f, PART_CONTEXT),
      frame_most(frame_activations(f, PART_UNET), frame_activations(f, PART_PREVIEW)));
}

void frame_forecast(sd_plan_figures *out, const frame *f) {
  const backend *b = f->model->backend;
  *out = (sd_plan_figures){
      .text_weights = frame_weights(f, PART_TEXT, ""),
      .unet_weights = frame_weights(f, PART_CONTEXT, "") + frame_weights(f, PART_UNET, ""),
      .vae_weights = frame_weights(f, PART_ENCODE, "vae.") + frame_weights(f, PART_DECODE, "vae."),
      .taesd_weights = frame_weights(f, PART_ENCODE, "taesd.") +
                       frame_most(frame_weights(f, PART_PREVIEW, "taesd."),
                                  frame_weights(f, PART_DECODE, "taesd.")),
      .text_activations = frame_activations(f, PART_TEXT),
      .denoise_activations = frame_arena_bytes(f, PART_UNET),
      .decode_activations =
          frame_most(frame_activations(f, PART_DECODE), frame_activations(f, PART_ENCODE)),
      .workspace = b->table->workspace_bytes(b),
  };
  int keep = !f->request->release_weights;
  int64_t merge_text = frame_merge_bytes(f, PART_TEXT);
  int64_t merge_unet =
      frame_most(frame_merge_bytes(f, PART_CONTEXT), frame_merge_bytes(f, PART_UNET));
  out->merging = frame_most(merge_text, merge_unet);
  int64_t preview = frame_weights(f, PART_PREVIEW, "taesd.");
  int64_t decode = out->vae_weights + (frame_decodes_by_taesd(f) ? out->taesd_weights : 0);
  int64_t encode = frame_weights(f, PART_ENCODE, "") + frame_activations(f, PART_ENCODE);
  int64_t early = keep ? frame_weights(f, PART_ENCODE, "") : 0; /* stays from the init image */
  out->text_peak =
      out->workspace +
      frame_most(encode, early + out->text_weights + frame_most(out->text_activations, merge_text));
  out->denoise_peak =
      out->workspace + early + (keep ? out->text_weights : 0) + out->unet_weights + preview +
      frame_most(out->denoise_activations, (keep ? out->text_activations : 0) + merge_unet);
  out->decode_peak = out->workspace + decode + out->decode_activations;
  if (keep)
    out->decode_peak +=
        out->text_weights + out->unet_weights + (frame_decodes_by_taesd(f) ? 0 : preview);
  out->peak = frame_most(out->text_peak, frame_most(out->denoise_peak, out->decode_peak));
}

/* ---- running ---- */

typedef struct frame_upload {
  sd_model *model;
  sd_status status;
  sd_error *error;
} frame_upload;

static void frame_upload_weight(void *user, weight *w) {
  frame_upload *up = user;
  if (!up->status && atomic_load(up->model->stop))
    up->status = error_set(up->error, SD_CANCELLED, "cancelled");
  if (!up->status) up->status = adapters_upload(up->model, w, up->error);
}

sd_status frame_prepare(frame *f, frame_part part, sd_error *error) {
  backend *b = f->model->backend;
  frame_upload up = {f->model, SD_OK, error};
  graph_each_weight(&f->slots[part].g, frame_upload_weight, &up);
  if (up.status) return up.status;
  return b->table->reserve(b, frame_arena_bytes(f, part), error);
}

void *frame_input(const frame *f, frame_part part, int32_t index) {
  backend *b = f->model->backend;
  return b->table->address(b, f->slots[part].in[index]);
}

const float *frame_text2(const frame *f) {
  backend *b = f->model->backend;
  return b->table->address(b, f->slots[PART_TEXT].out2);
}

const float *frame_projected(const frame *f) {
  backend *b = f->model->backend;
  return b->table->address(b, f->slots[PART_TEXT].projected);
}

const float *frame_output(const frame *f, frame_part part) {
  backend *b = f->model->backend;
  const frame_slot *slot = &f->slots[part];
  return b->table->address(b, tiles_count(&slot->tiles) > 1 ? &slot->whole : slot->out);
}

int32_t frame_tiles(const frame *f, frame_part part) { return tiles_count(&f->slots[part].tiles); }

void frame_begin_tile(frame *f, frame_part part, int32_t tile) { f->slots[part].tile = tile; }

tile_place frame_tile(const frame *f, frame_part part) {
  return tiles_place(&f->slots[part].tiles, f->slots[part].tile);
}

static int frame_is_finite(const frame *f, const tensor *out) {
  if (!out) return 1;
  const float *values = f->model->backend->table->address(f->model->backend, out);
  int64_t count = tensor_count(out);
  float sum = 0; /* x * 0 is NaN where x is not finite */
  for (int64_t i = 0; i < count; i++) sum += values[i] * 0.0f;
  return sum == 0;
}

static int frame_output_is_finite(const frame *f, const frame_slot *slot) {
  return frame_is_finite(f, slot->out) && frame_is_finite(f, slot->out2) &&
         frame_is_finite(f, slot->projected);
}

static sd_status frame_run_graph(const frame *f, const frame_slot *slot, sd_error *error) {
  backend *b = f->model->backend;
  run_report report = {-1};
  sd_status status = b->table->run(b, &slot->g, &report, error);
  if (status) return status;
  if (report.bad_node < 0 && !frame_output_is_finite(f, slot))
    report.bad_node = slot->g.node_count - 1;
  if (report.bad_node < 0) return SD_OK;
  return error_set(error, SD_NON_FINITE, "numbers ran out of range before %s",
                   slot->g.nodes[report.bad_node].label);
}

static void frame_add_tile(const frame *f, const frame_slot *slot) {
  backend *b = f->model->backend;
  float *whole = b->table->address(b, &slot->whole);
  if (!slot->tile) memset(whole, 0, (size_t)tensor_bytes(&slot->whole));
  tiles_add(whole, b->table->address(b, slot->out), &slot->tiles, slot->tile, frame_points(slot),
            slot->out->c);
}

sd_status frame_run(frame *f, frame_part part, sd_error *error) {
  const frame_slot *slot = &f->slots[part];
  sd_status status = frame_run_graph(f, slot, error);
  if (!status && tiles_count(&slot->tiles) > 1) frame_add_tile(f, slot);
  return status;
}
