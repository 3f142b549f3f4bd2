/* sampler.h: owns the way from noise to latents: one step function and one table row per sampler.
 * Knows latents only as `count` floats, the network only as a callback, and no schedule.
 *
 * Everything is in sigma space, x = x0 + sigma * noise, as k-diffusion has it. A callback's status
 * other than SD_OK stops the run at once and is returned. */
#ifndef SAMPLING_SAMPLER_H
#define SAMPLING_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

typedef struct sampler_run {
  const float *sigmas; /* [steps + 1], falling; the last one may be 0, no other */
  int32_t steps;
  size_t count;   /* floats of all latents together */
  float *x;       /* [count] in: x0 + sigmas[0] * noise; out: latents at sigmas[steps] */
  float *scratch; /* sampler_scratch(sampler, count) floats */

  /* Fills `denoised` with the model's estimate of x0 from x at noise level sigma. */
  sd_status (*denoise)(void *user, float *denoised, const float *x, float sigma);
  /* Fills `out` with fresh noise: each picture's part by one draw from that picture's generator.
   * May be NULL for euler, heun, dpmpp_2m and ddim. */
  void (*noise)(void *user, float *out);
  /* Called after each step, 1 to `steps`, with the estimate that the step used. May be NULL. */
  sd_status (*step_done)(void *user, int32_t step, const float *denoised);
  void *user;
} sampler_run;

/* Floats of scratch that a run needs. */
size_t sampler_scratch(sd_sampler sampler, size_t count);

/* SD_BAD_ARGUMENT for an unknown sampler or fewer than one step, else the first callback's status
 * that is not SD_OK, else SD_OK. */
sd_status sampler_run_all(sd_sampler sampler, const sampler_run *run);

#endif
