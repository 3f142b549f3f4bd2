/* step: what happens in one evaluation of the network and after one step. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "sampling/generation.h"
#include "sampling/pixels.h"

double generation_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Input of one evaluation. */
typedef struct step_input {
  const float *x;
  float c_in, timestep;
} step_input;

static void step_fill_context(generation *g, const void *what) {
  (void)what;
  size_t width = (size_t)g->model->info.context_width;
  size_t count = (size_t)g->f.prompts * (size_t)g->f.tokens * width;
  memcpy(frame_input(&g->f, PART_CONTEXT, 0), g->context, count * sizeof(float));
  if (!g->vector) return;
  float *vector = frame_input(&g->f, PART_CONTEXT, 1);
  size_t vector_width = (size_t)g->model->info.vector_width;
  int32_t batch = g->request->batch_count;
  for (int32_t i = 0; i < g->f.prompts * batch; i++, vector += vector_width)
    memcpy(vector, g->vector + (size_t)(i / batch) * vector_width, vector_width * sizeof(float));
}

sd_status generation_project_context(generation *g) {
  return generation_run(g, PART_CONTEXT, step_fill_context, NULL);
}

/* One picture's latents, scaled, and for an inpainting UNet the mask (without one: paint
 * everywhere) and the masked picture's latents behind them. */
static void step_fill_picture(const generation *g, float *out, const float *x, float c_in) {
  int32_t channels = g->model->info.unet_in_channels;
  for (size_t i = 0; i < g->picture_count / 4; i++, out += channels) {
    for (int c = 0; c < 4; c++) out[c] = x[4 * i + (size_t)c] * c_in;
    if (channels == 4) continue;
    out[4] = g->painted ? g->painted[i] : 1;
    for (int c = 0; c < 4; c++) out[5 + c] = g->masked_latents[4 * i + (size_t)c];
  }
}

static void step_fill_unet(generation *g, const void *what) {
  const step_input *input = what;
  float *latents = frame_input(&g->f, PART_UNET, 0);
  size_t stride = g->picture_count / 4 * (size_t)g->model->info.unet_in_channels;
  int32_t batch = g->request->batch_count;
  for (int32_t i = 0; i < g->f.prompts * batch; i++)
    step_fill_picture(g, latents + (size_t)i * stride,
                      input->x + (size_t)(i % batch) * g->picture_count, input->c_in);
  *(float *)frame_input(&g->f, PART_UNET, 1) = input->timestep;
  memcpy(frame_input(&g->f, PART_UNET, 2), g->key_counts,
         (size_t)g->f.prompts * sizeof g->key_counts[0]);
}

sd_status generation_denoise(void *user, float *denoised, const float *x, float sigma) {
  generation *g = user;
  schedule_scaling scale = schedule_scalings(g->model->config.prediction, sigma);
  step_input input = {x, scale.c_in, schedule_timestep(&g->table, sigma)};
  sd_status status = generation_run(g, PART_UNET, step_fill_unet, &input);
  if (status) return status;
  const float *prompt = frame_output(&g->f, PART_UNET), *negative = prompt + g->count;
  float cfg_scale = g->request->cfg_scale;
  for (size_t i = 0; i < g->count; i++) {
    float predicted = prompt[i];
    if (g->f.prompts == 2) predicted = negative[i] + cfg_scale * (prompt[i] - negative[i]);
    denoised[i] = scale.c_skip * x[i] + scale.c_out * predicted;
  }
  return SD_OK;
}

void generation_noise(void *user, float *out) {
  generation *g = user;
  for (int32_t i = 0; i < g->request->batch_count; i++)
    noise_latents(&g->noise[i], out + (size_t)i * g->picture_count, g->scratch, g->f.latent_h,
                  g->f.latent_w, 4);
}

void generation_fill_latents(const generation *g, frame_part part, const float *latents,
                             float scale) {
  float *out = frame_input(&g->f, part, 0);
  tile_place at = frame_tile(&g->f, part);
  for (int32_t y = at.y; y < at.y + at.h; y++) {
    const float *row = latents + 4 * ((size_t)y * (size_t)g->f.latent_w + (size_t)at.x);
    for (int32_t i = 0; i < 4 * at.w; i++) *out++ = row[i] * scale;
  }
}

static void step_fill_preview(generation *g, const void *what) {
  const sd_model_config *config = &g->model->config;
  generation_fill_latents(g, PART_PREVIEW, what, 1);
  if (g->request->preview == SD_PREVIEW_LATENT_RGB)
    memcpy(frame_input(&g->f, PART_PREVIEW, 1), config->latent_rgb, sizeof config->latent_rgb);
}

static sd_status step_preview(generation *g, const float *denoised) {
  size_t bytes = (size_t)g->preview_h * (size_t)g->preview_w * 3;
  int full = g->request->preview == SD_PREVIEW_TAESD; /* 0..1; colours of latents are -1..1 */
  for (int32_t i = 0; i < g->request->batch_count; i++) {
    const float *latents = denoised + (size_t)i * g->picture_count;
    uint8_t *out = g->preview + (size_t)i * bytes;
    sd_status status = generation_run(g, PART_PREVIEW, step_fill_preview, latents);
    if (status) return status;
    pixels_to_bytes(out, frame_output(&g->f, PART_PREVIEW), bytes, full ? 1 : 0.5f,
                    full ? 0 : 0.5f);
    if (full && g->request->mask)
      inpaint_composite(out, g->request->init_image, g->request->mask, bytes / 3);
  }
  return SD_OK;
}

/* What is kept is the init image at the level that the step has reached; in the end, itself. */
static void step_keep(generation *g, int32_t step) {
  for (size_t i = 0; i < g->count; i += g->picture_count) {
    inpaint_known known = {g->init_latents, g->first_noise + i, g->painted};
    inpaint_blend(g->latents + i, &known, g->sigmas[step], g->picture_count / 4);
  }
}

sd_status generation_step_done(void *user, int32_t step, const float *denoised) {
  generation *g = user;
  if (g->first_noise) step_keep(g, step);
  if (g->preview) {
    sd_status status = step_preview(g, denoised);
    if (status) return status;
  }
  return generation_report(g, SD_PHASE_DENOISE, step, g->preview);
}

sd_status generation_report(generation *g, sd_phase phase, int32_t step, const uint8_t *preview) {
  sd_progress progress = {phase, step, g->steps, preview, g->preview_w, g->preview_h};
  const sd_callbacks *callbacks = g->callbacks;
  int stop =
      callbacks && callbacks->progress && callbacks->progress(&progress, callbacks->user_data);
  if (stop || atomic_load(g->model->backend->stop))
    return error_set(g->error, SD_CANCELLED, "cancelled");
  return SD_OK;
}

static sd_status generation_run_tiles(generation *g, frame_part part, generation_fill fill,
                                      const void *what) {
  int32_t count = frame_tiles(&g->f, part);
  for (int32_t tile = 0; tile < count; tile++) {
    frame_begin_tile(&g->f, part, tile);
    fill(g, what);
    sd_status status = frame_run(&g->f, part, g->error);
    if (status) return status;
  }
  return SD_OK;
}

sd_status generation_run(generation *g, frame_part part, generation_fill fill, const void *what) {
  for (;;) {
    double start = generation_now_ms();
    sd_status status = frame_prepare(&g->f, part, g->error);
    g->result->timings.load_ms += generation_now_ms() - start;
    if (status) return status;
    status = generation_run_tiles(g, part, fill, what);
    if (status != SD_NON_FINITE || g->f.slots[part].g.dtype == SD_F32) return status;
    snprintf(g->result->note, sizeof g->result->note, "%.200s in %s, so it was rerun in f32",
             g->error->text, g->f.slots[part].g.dtype == SD_BF16 ? "bf16" : "f16");
    error_clear(g->error);
    status = frame_widen(&g->f, part, g->error);
    /* The arena may have moved, and with it the kept keys and values. */
    if (!status && (part == PART_UNET || part == PART_PREVIEW))
      status = generation_project_context(g);
    if (status) return status;
  }
}
