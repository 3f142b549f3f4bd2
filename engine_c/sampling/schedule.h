/* schedule.h: owns the noise levels: the model's 1000 training levels, the few that a picture is
 * made with, and the scalings between them and the network. Knows no sampler and no latents.
 *
 * A noise level is a sigma: latents are x = x0 + sigma * noise. A timestep is a position 0..999 in
 * the table of training levels, with fractions in between. */
#ifndef SAMPLING_SCHEDULE_H
#define SAMPLING_SCHEDULE_H

#include <stdint.h>

#include "engine.h"

enum { SCHEDULE_TIMESTEPS = 1000 };

/* The training levels, rising: about 0.029 to 14.6 for SD 1.x. */
typedef struct sigma_table {
  float sigmas[SCHEDULE_TIMESTEPS];
  float log_sigmas[SCHEDULE_TIMESTEPS];
} sigma_table;

/* Scaled-linear betas (their square roots rise evenly from beta_start's to beta_end's), rounded to
 * float at the same places as diffusers and k-diffusion: the lowest levels depend on it. */
void schedule_table_init(sigma_table *table, double beta_start, double beta_end);

/* Timestep 0..999 of a level, straight between the table's log sigmas; clamped outside. */
float schedule_timestep(const sigma_table *table, float sigma);

/* The inverse: the level of a timestep, which is clamped to 0..999. */
float schedule_sigma(const sigma_table *table, float timestep);

/* Writes steps + 1 falling levels, the last one 0; `steps` is 1 to 1000.
 *   normal       even timesteps from 999 to 0 (k-diffusion; diffusers "linspace")
 *   karras       even in sigma^(1/7) (Karras et al. 2022, equation 5)
 *   exponential  even in log sigma
 *   sgm_uniform  even timesteps from 999 towards 0, which is left out
 *   simple       whole table entries, counted from the end (as ComfyUI)
 * Returns SD_BAD_ARGUMENT for an unknown schedule or steps out of range. */
sd_status schedule_sigmas(float *out, sd_schedule schedule, const sigma_table *table,
                          int32_t steps);

/* denoised = c_skip * x + c_out * network(c_in * x, schedule_timestep(sigma)). */
typedef struct schedule_scaling {
  float c_in, c_skip, c_out;
} schedule_scaling;

schedule_scaling schedule_scalings(sd_prediction prediction, float sigma);

#endif
