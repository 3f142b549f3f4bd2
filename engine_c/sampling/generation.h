/* generation: the state of one running sd_generate, shared by denoise.c (the order of things) and
 * step.c (what happens in a step). */
#ifndef SAMPLING_GENERATION_H
#define SAMPLING_GENERATION_H

#include "base/arena.h"
#include "sampling/frame.h"
#include "sampling/inpaint.h"
#include "sampling/noise.h"
#include "sampling/schedule.h"

typedef struct generation {
  frame f;
  sd_model *model;
  const sd_request *request;
  const sd_callbacks *callbacks;
  sd_result *result;
  sd_error *error;
  arena memory;
  sigma_table table;
  float *sigmas;        /* those that are run: steps + 1 */
  int32_t steps;        /* of the schedule that are run; fewer with an init image */
  size_t picture_count; /* floats of one picture's latents */
  size_t count;         /* of all pictures' */
  float *latents;       /* [batch][h/8][w/8][4] */
  float *scratch;       /* one picture's latents: noise in torch's order */
  float *context;       /* [prompts][tokens][width] */
  float *vector;        /* [prompts][vector width]; NULL where the UNet takes none */
  int32_t key_counts[2];
  float *init_latents;   /* one picture's, scaled; NULL without an init image */
  float *masked_latents; /* 9-channel UNet: latents of the masked picture */
  float *painted;        /* [h/8][w/8], 0..1: what the mask paints; NULL without a mask */
  inpaint_cells fill;    /* what is painted is encoded as; NULL in it: as it was */
  float *first_noise;    /* 4-channel UNet with a mask: all pictures' noise, of variance 1 */
  noise_source *noise;   /* one a picture */
  uint8_t *preview;      /* of all pictures */
  int32_t preview_h, preview_w;
} generation;

double generation_now_ms(void); /* of a clock that only goes forward */

/* Writes a part's inputs before it runs. */
typedef void (*generation_fill)(generation *g, const void *what);

/* Prepares a part, fills and runs it, tile by tile; where numbers ran out of f16's range, once more
 * in f32, which the result's note says. */
sd_status generation_run(generation *g, frame_part part, generation_fill fill, const void *what);

/* Writes the part's tile of one picture's latents, times scale. */
void generation_fill_latents(const generation *g, frame_part part, const float *latents,
                             float scale);

/* For sampler_run: `user` is the generation. */
sd_status generation_denoise(void *user, float *denoised, const float *x, float sigma);
void generation_noise(void *user, float *out);
sd_status generation_step_done(void *user, int32_t step, const float *denoised);

/* Keys and values of the context, once for all steps. */
sd_status generation_project_context(generation *g);

/* Tells the caller; SD_CANCELLED if it wants to stop. */
sd_status generation_report(generation *g, sd_phase phase, int32_t step, const uint8_t *preview);

#endif
