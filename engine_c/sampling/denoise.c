/* denoise: see denoise.h. */
#include "sampling/denoise.h"

#include <string.h>

#include "base/error.h"
#include "networks/clip.h"
#include "sampling/conditioning.h"
#include "sampling/generation.h"
#include "sampling/pixels.h"
#include "sampling/sampler.h"

static sd_status denoise_out_of_memory(generation *g) {
  return error_set(g->error, SD_OUT_OF_MEMORY, "no memory for the latents");
}

static float *denoise_floats(generation *g, size_t count) {
  return arena_take(&g->memory, count * sizeof(float));
}

/* ---- text ---- */

static void denoise_fill_tokens(generation *g, const void *what) {
  (void)what;
  const sd_prompt *prompts[2] = {&g->request->prompt, &g->request->negative_prompt};
  int has_second = g->model->info.text2_width > 0;
  int32_t *ids = frame_input(&g->f, PART_TEXT, 0);
  int32_t *ids2 = has_second ? frame_input(&g->f, PART_TEXT, 2) : NULL;
  for (int32_t p = 0; p < g->f.prompts; p++) {
    size_t count = (size_t)prompts[p]->chunk_count * CLIP_TOKENS;
    if (!count) continue;
    memcpy(ids, prompts[p]->tokens, count * sizeof *ids);
    ids += count;
    if (!has_second) continue;
    memcpy(ids2, prompts[p]->tokens2, count * sizeof *ids2);
    ids2 += count;
  }
  if (!g->request->extra_row_count) return;
  memcpy(frame_input(&g->f, PART_TEXT, 1), g->request->extra_rows,
         (size_t)g->request->extra_row_count * (size_t)g->model->info.text_width * sizeof(float));
}

/* One encoder's rows: chunks of both prompts, one after the other. */
typedef struct denoise_rows {
  const float *from;
  int32_t width, channel; /* of the context that they become: all in one row, from `channel` on */
} denoise_rows;

/* Into context rows, the shorter prompt padded with zeros that key_counts keeps out of the
 * attention; a prompt without chunks is zeros that it sees. */
static sd_status denoise_take_rows(generation *g, const denoise_rows *rows) {
  const sd_prompt *prompts[2] = {&g->request->prompt, &g->request->negative_prompt};
  size_t width = (size_t)rows->width, row_width = (size_t)g->model->info.context_width;
  size_t encoded_count = (size_t)g->f.chunks * CLIP_TOKENS * width;
  float *encoded = denoise_floats(g, encoded_count);
  if (!encoded) return denoise_out_of_memory(g);
  memcpy(encoded, rows->from, encoded_count * sizeof *encoded);
  for (int32_t p = 0; p < g->f.prompts; p++) {
    float *out = g->context + (size_t)p * (size_t)g->f.tokens * row_width + rows->channel;
    int32_t count = prompts[p]->chunk_count * CLIP_TOKENS;
    conditioning_weigh(encoded, prompts[p], rows->width);
    for (int32_t i = 0; i < count; i++, encoded += width, out += row_width)
      memcpy(out, encoded, width * sizeof *out);
    g->key_counts[p] = count ? count : CLIP_TOKENS;
  }
  return SD_OK;
}

/* Pooled text of each prompt's first chunk, and the sizes: the whole picture, nothing cut off. */
static sd_status denoise_take_vector(generation *g) {
  const sd_model_info *info = &g->model->info;
  const sd_prompt *prompts[2] = {&g->request->prompt, &g->request->negative_prompt};
  const float height = (float)g->request->height, width = (float)g->request->width;
  const float sizes[MODEL_SIZES] = {height, width, 0, 0, height, width};
  const float *projected = frame_projected(&g->f);
  size_t pooled_width = (size_t)info->pooled_width;
  g->vector = denoise_floats(g, (size_t)g->f.prompts * (size_t)info->vector_width);
  if (!g->vector) return denoise_out_of_memory(g);
  for (int32_t p = 0; p < g->f.prompts; p++) {
    float *out = g->vector + (size_t)p * (size_t)info->vector_width;
    if (prompts[p]->chunk_count) {
      int32_t end = conditioning_end(prompts[p]->tokens2, info->text2_vocabulary);
      memcpy(out, projected + (size_t)end * pooled_width, pooled_width * sizeof *out);
    }
    conditioning_sizes(out + pooled_width, sizes);
    projected += (size_t)prompts[p]->chunk_count * CLIP_TOKENS * pooled_width;
  }
  return SD_OK;
}

static sd_status denoise_text(generation *g) {
  const sd_model_info *info = &g->model->info;
  size_t rows = (size_t)g->f.prompts * (size_t)g->f.tokens;
  g->context = denoise_floats(g, rows * (size_t)info->context_width);
  if (!g->context) return denoise_out_of_memory(g);
  sd_status status = generation_run(g, PART_TEXT, denoise_fill_tokens, NULL);
  if (status) return status;
  denoise_rows first = {frame_output(&g->f, PART_TEXT), info->text_width, 0};
  status = denoise_take_rows(g, &first);
  if (status || !info->text2_width) return status;
  denoise_rows second = {frame_text2(&g->f), info->text2_width, info->text_width};
  status = denoise_take_rows(g, &second);
  return status ? status : denoise_take_vector(g);
}

/* ---- init image ---- */

/* What is encoded: RGB bytes, all grey without them. Where the mask paints they are grey, or fade
 * into the fill's colours. */
typedef struct picture_source {
  const uint8_t *rgb, *mask;  /* each may be NULL */
  const inpaint_cells *cells; /* NULL: grey */
} picture_source;

/* How much of a pixel is covered, 0..1. */
static float denoise_covered(const picture_source *source, size_t pixel) {
  if (!source->rgb) return 1;
  if (!source->mask) return 0;
  uint8_t painted = source->mask[pixel];
  return source->cells ? (float)painted / 255 : painted >= INPAINT_PAINTED;
}

/* The `count` pixels of row y from x on, 0..1. */
static void denoise_fill_pixels(float *out, const picture_source *source, size_t width, size_t y,
                                size_t x, size_t count) {
  size_t first = y * width + x;
  if (source->rgb) pixels_from_bytes(out, source->rgb + 3 * first, 3 * count, 1, 0);
  for (size_t i = 0; i < count; i++, out += 3) {
    float covered = denoise_covered(source, first + i), color[3] = {127.5f, 127.5f, 127.5f};
    if (!(covered > 0)) continue;
    if (source->cells) inpaint_fill_color(color, source->cells, y, x + i);
    for (size_t c = 0; c < 3; c++)
      out[c] = covered * color[c] / 255 + (covered < 1 ? (1 - covered) * out[c] : 0);
  }
}

static void denoise_fill_picture(generation *g, const void *what) {
  float *out = frame_input(&g->f, PART_ENCODE, 0);
  tile_place at = frame_tile(&g->f, PART_ENCODE);
  size_t width = (size_t)g->request->width, x = 8 * (size_t)at.x, count = 8 * (size_t)at.w;
  int taesd = frame_decodes_by_taesd(&g->f);
  for (size_t y = 8 * (size_t)at.y; y < 8 * (size_t)(at.y + at.h); y++, out += 3 * count) {
    denoise_fill_pixels(out, what, width, y, x, count);
    for (size_t i = 0; i < 3 * count && !taesd; i++) out[i] = 2 * out[i] - 1;
  }
}

/* The encoder's mean, scaled: not a sample of its distribution, so that one request is one picture.
 */
static sd_status denoise_encode(generation *g, float **out, const picture_source *source) {
  *out = denoise_floats(g, g->picture_count);
  if (!*out) return denoise_out_of_memory(g);
  sd_status status = generation_run(g, PART_ENCODE, denoise_fill_picture, source);
  if (status) return status;
  const float *moments = frame_output(&g->f, PART_ENCODE);
  int taesd = frame_decodes_by_taesd(&g->f);
  size_t channels = taesd ? 4 : 8;
  float scale = taesd ? 1 : g->model->config.latent_scale;
  for (size_t i = 0; i < g->picture_count; i++)
    (*out)[i] = moments[i / 4 * channels + i % 4] * scale;
  return SD_OK;
}

static int denoise_is_inpainting(const generation *g) {
  return g->model->info.unet_in_channels == 9;
}

static sd_status denoise_fill_mask(generation *g) {
  int32_t h = g->f.latent_h, w = g->f.latent_w;
  g->fill = (inpaint_cells){denoise_floats(g, inpaint_fill_floats(h, w)), h, w};
  if (!g->fill.rgbw) return denoise_out_of_memory(g);
  inpaint_fill(&g->fill, g->request->init_image, g->request->mask);
  return SD_OK;
}

static sd_status denoise_encode_inputs(generation *g) {
  const sd_request *r = g->request;
  sd_status status = SD_OK;
  picture_source kept = {r->mask ? r->init_image : NULL, r->mask, NULL};
  if (r->mask && r->masked_content != SD_CONTENT_ORIGINAL) {
    status = denoise_fill_mask(g);
    picture_source filled = {r->init_image, r->mask, &g->fill};
    if (!status) status = denoise_encode(g, &g->init_latents, &filled);
  } else if (r->init_image) {
    status = denoise_encode(g, &g->init_latents, &(picture_source){r->init_image, NULL, NULL});
  }
  if (!status && denoise_is_inpainting(g)) status = denoise_encode(g, &g->masked_latents, &kept);
  return status;
}

/* An inpainting UNet is told of the mask; for any other, what is kept is put back after each step.
 */
static sd_status denoise_take_mask(generation *g) {
  if (!g->request->mask) return SD_OK;
  g->painted = denoise_floats(g, g->picture_count / 4);
  if (!g->painted) return denoise_out_of_memory(g);
  if (denoise_is_inpainting(g)) {
    inpaint_mask_nearest(g->painted, g->request->mask, g->f.latent_h, g->f.latent_w);
    return SD_OK;
  }
  inpaint_mask_mean(g->painted, g->request->mask, g->f.latent_h, g->f.latent_w);
  g->first_noise = denoise_floats(g, g->count);
  return g->first_noise ? SD_OK : denoise_out_of_memory(g);
}

/* ---- latents ---- */

/* The part of the schedule that is run: with an init image its last steps * strength, as diffusers
 * counts. */
static sd_status denoise_schedule(generation *g) {
  const sd_request *r = g->request;
  float *all = denoise_floats(g, (size_t)r->steps + 1);
  if (!all) return denoise_out_of_memory(g);
  schedule_table_init(&g->table, g->model->config.beta_start, g->model->config.beta_end);
  if (schedule_sigmas(all, r->schedule, &g->table, r->steps))
    return error_set(g->error, SD_BAD_ARGUMENT, "the schedule is unknown");
  g->steps =
      r->init_image ? (int32_t)((double)r->steps * (double)r->denoise_strength + 1e-6) : r->steps;
  g->sigmas = all + (r->steps - g->steps);
  return SD_OK;
}

/* What lies below the first noise. Latent noise is that very noise once more, as A1111 has it. */
static float denoise_beginning(const generation *g, size_t i, float noise) {
  if (!g->init_latents) return 0;
  float init = g->init_latents[i % g->picture_count];
  if (!g->painted) return init;
  float painted = g->painted[i % g->picture_count / 4];
  switch (g->request->masked_content) {
    case SD_CONTENT_FILL:
      return init;
    case SD_CONTENT_LATENT_NOISE:
      return init + painted * (noise - init);
    case SD_CONTENT_LATENT_NOTHING:
      return init - painted * init;
    default:
      break;
  }
  /* What is painted anew with all strength must not shine through: there is noise alone. */
  return g->request->denoise_strength == 1 ? 0 : init;
}

static sd_status denoise_init_latents(generation *g) {
  size_t batch = (size_t)g->request->batch_count;
  g->noise = arena_take(&g->memory, batch * sizeof *g->noise);
  g->latents = denoise_floats(g, g->count);
  g->scratch = denoise_floats(g, g->picture_count);
  if (!g->noise || !g->latents || !g->scratch) return denoise_out_of_memory(g);
  for (size_t i = 0; i < batch; i++)
    noise_init(&g->noise[i], g->request->rng, g->request->seed + i);
  generation_noise(g, g->latents);
  if (g->first_noise) memcpy(g->first_noise, g->latents, g->count * sizeof(float));
  for (size_t i = 0; i < g->count; i++) {
    float noise = g->latents[i];
    g->latents[i] = g->sigmas[0] * noise + denoise_beginning(g, i, noise);
  }
  return SD_OK;
}

static sd_status denoise_open_preview(generation *g) {
  const sd_request *r = g->request;
  int full = r->preview == SD_PREVIEW_TAESD;
  if (!frame_previews(&g->f)) return SD_OK;
  g->preview_h = full ? r->height : g->f.latent_h;
  g->preview_w = full ? r->width : g->f.latent_w;
  size_t pixels = (size_t)g->preview_h * (size_t)g->preview_w;
  g->preview = arena_take(&g->memory, pixels * 3 * (size_t)r->batch_count);
  return g->preview ? SD_OK : denoise_out_of_memory(g);
}

static sd_status denoise_loop(generation *g) {
  size_t scratch = sampler_scratch(g->request->sampler, g->count);
  sampler_run run = {.sigmas = g->sigmas,
                     .steps = g->steps,
                     .count = g->count,
                     .x = g->latents,
                     .scratch = denoise_floats(g, scratch),
                     .denoise = generation_denoise,
                     .noise = generation_noise,
                     .step_done = generation_step_done,
                     .user = g};
  if (!run.scratch) return denoise_out_of_memory(g);
  sd_status status = denoise_open_preview(g);
  if (!status) status = generation_project_context(g);
  if (!status && g->steps) status = sampler_run_all(g->request->sampler, &run);
  if (status && !g->error->status) error_set(g->error, status, "the sampler is unknown");
  return status;
}

/* ---- decode ---- */

static void denoise_fill_latents(generation *g, const void *what) {
  float scale = frame_decodes_by_taesd(&g->f) ? 1 : 1 / g->model->config.latent_scale;
  generation_fill_latents(g, PART_DECODE, what, scale);
}

static sd_status denoise_decode(generation *g) {
  int taesd = frame_decodes_by_taesd(&g->f);
  size_t bytes = (size_t)g->request->width * (size_t)g->request->height * 3;
  for (int32_t i = 0; i < g->request->batch_count; i++) {
    sd_status status = generation_run(g, PART_DECODE, denoise_fill_latents,
                                      g->latents + (size_t)i * g->picture_count);
    if (status) return status;
    uint8_t *rgb = g->result->rgb + (size_t)i * bytes;
    pixels_to_bytes(rgb, frame_output(&g->f, PART_DECODE), bytes, taesd ? 1 : 0.5f,
                    taesd ? 0 : 0.5f);
    if (g->request->mask && !g->request->is_patch)
      inpaint_composite(rgb, g->request->init_image, g->request->mask, bytes / 3);
  }
  if (g->result->latents) memcpy(g->result->latents, g->latents, g->count * sizeof(float));
  return SD_OK;
}

/* ---- the whole ---- */

/* Between phases: least memory where it was asked for. */
static void denoise_release(generation *g) {
  if (!g->request->release_weights) return;
  model_release(g->model);
  g->model->backend->table->reserve(g->model->backend, 0, NULL);
}

static sd_status denoise_phase(generation *g, sd_phase phase, sd_status (*run)(generation *g),
                               double *elapsed_ms) {
  sd_status status = generation_report(g, phase, 0, NULL);
  if (status) return status;
  double start = generation_now_ms();
  status = run(g);
  *elapsed_ms = generation_now_ms() - start;
  return status;
}

static sd_status denoise_prepare(generation *g) {
  g->picture_count = (size_t)g->f.latent_h * (size_t)g->f.latent_w * 4;
  g->count = g->picture_count * (size_t)g->request->batch_count;
  sd_status status = denoise_schedule(g);
  if (!status) status = denoise_encode_inputs(g);
  denoise_release(g);
  if (!status) status = denoise_take_mask(g);
  return status ? status : denoise_init_latents(g);
}

static sd_status denoise_phases(generation *g) {
  sd_timings *timings = &g->result->timings;
  sd_status status = denoise_prepare(g);
  if (!status) status = denoise_phase(g, SD_PHASE_TEXT, denoise_text, &timings->text_ms);
  denoise_release(g);
  if (!status) status = denoise_phase(g, SD_PHASE_DENOISE, denoise_loop, &timings->denoise_ms);
  denoise_release(g);
  if (!status) status = denoise_phase(g, SD_PHASE_DECODE, denoise_decode, &timings->decode_ms);
  denoise_release(g);
  return status;
}

sd_status denoise_generate(sd_result *result, sd_model *model, const sd_request *request,
                           const sd_callbacks *callbacks, sd_error *error) {
  generation g = {
      .model = model, .request = request, .callbacks = callbacks, .result = result, .error = error};
  result->timings = (sd_timings){0};
  result->note[0] = 0;
  sd_status status = frame_open(&g.f, model, request, error);
  if (!status) status = denoise_phases(&g);
  arena_free(&g.memory);
  frame_close(&g.f);
  return status;
}
