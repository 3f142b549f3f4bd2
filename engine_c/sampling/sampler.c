/* sampler.c: owns the step formulas. Each step replaces x by a weighted sum of x, the model's
 * estimates and fresh noise; a sampler is its weights. Weights are doubles and a sum is rounded to
 * float once. Must not know schedules, networks or pictures. */
#include "sampling/sampler.h"

#include <math.h>

/* What a step function sees: it moves run->x from level `sigma` to level `next`. */
typedef struct sampler_step {
  const sampler_run *run;
  double previous, sigma, next; /* previous: the level before sigma, 0 in the first step */
  float *denoised;              /* estimate of x0 at sigma */
  const float *older;           /* estimate at `previous`; unset in the first step */
  float *spare;                 /* buffers of run->count floats, as many as the row says */
} sampler_step;

typedef struct weighted {
  double weight;
  const float *values;
} weighted;

/* out[i] = sum of weight * values[i]; out may be one of the values. */
static void weighted_sum(float *out, size_t count, const weighted *terms, size_t term_count) {
  for (size_t i = 0; i < count; i++) {
    double sum = 0.0;
    for (size_t j = 0; j < term_count; j++) sum += terms[j].weight * (double)terms[j].values[i];
    out[i] = (float)sum;
  }
}

/* The straight line from x towards the estimate, followed down to level `target`:
 * x + (target - sigma) * (x - denoised) / sigma. */
static void follow_slope(float *out, const sampler_step *step, double target) {
  const double move = (target - step->sigma) / step->sigma;
  const weighted terms[] = {{1.0 + move, step->run->x}, {-move, step->denoised}};
  weighted_sum(out, step->run->count, terms, 2);
}

/* x += weight * fresh noise. */
static void add_noise(const sampler_step *step, double weight) {
  const sampler_run *run = step->run;
  run->noise(run->user, step->spare);
  const weighted terms[] = {{1.0, run->x}, {weight, step->spare}};
  weighted_sum(run->x, run->count, terms, 2);
}

/* Euler's method on dx/dsigma = (x - x0) / sigma (Karras et al. 2022, algorithm 2, no churn). */
static sd_status euler_step(const sampler_step *step) {
  follow_slope(step->run->x, step, step->next);
  return SD_OK;
}

/* Ancestral, eta 1: go below `next`, to `down`, then add noise up to it: next^2 = down^2 + up^2. */
static sd_status euler_a_step(const sampler_step *step) {
  const double ratio = step->next / step->sigma;
  follow_slope(step->run->x, step, step->next * ratio);
  if (step->next > 0.0) add_noise(step, step->next * sqrt(1.0 - ratio * ratio));
  return SD_OK;
}

/* Heun's method: the mean of the slopes at both ends (Karras et al. 2022, algorithm 2, no churn).
 * The step to 0 is Euler's, because there is no slope at 0. */
static sd_status heun_step(const sampler_step *step) {
  const sampler_run *run = step->run;
  if (step->next <= 0.0) return euler_step(step);
  float *trial = step->spare, *trial_denoised = step->spare + run->count;
  follow_slope(trial, step, step->next);
  const sd_status status = run->denoise(run->user, trial_denoised, trial, (float)step->next);
  if (status != SD_OK) return status;
  const double half = (step->next - step->sigma) / 2.0;
  const double here = half / step->sigma, there = half / step->next;
  const weighted terms[] = {
      {1.0 + here, run->x}, {-here, step->denoised}, {there, trial}, {-there, trial_denoised}};
  weighted_sum(run->x, run->count, terms, 4);
  return SD_OK;
}

/* DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): the estimate is extended linearly in log sigma.
 * With h = log(sigma / next), exp(-h) is `keep`. The first step and the step to 0 are of order 1.
 */
static sd_status dpmpp_2m_step(const sampler_step *step) {
  const sampler_run *run = step->run;
  const double keep = step->next / step->sigma;
  if (step->previous <= 0.0 || step->next <= 0.0) return euler_step(step);
  const double last_h = log(step->previous / step->sigma);
  const double extend = (1.0 - keep) * log(step->sigma / step->next) / (2.0 * last_h);
  const weighted terms[] = {
      {keep, run->x}, {1.0 - keep + extend, step->denoised}, {-extend, step->older}};
  weighted_sum(run->x, run->count, terms, 3);
  return SD_OK;
}

/* SDE-DPM-Solver++(2M) (Lu et al. 2022, section 5), eta 1, midpoint form. The noise is drawn
 * plainly, one draw per step from each picture's generator, as diffusers does; k-diffusion takes it
 * from a Brownian tree, so its pictures differ for the same seed. */
static sd_status dpmpp_2m_sde_step(const sampler_step *step) {
  const sampler_run *run = step->run;
  const double ratio = step->next / step->sigma;
  const double keep = ratio * ratio, take = 1.0 - keep;
  double extend = 0.0;
  if (step->previous > 0.0 && step->next > 0.0) {
    extend = take * log(step->sigma / step->next) / (2.0 * log(step->previous / step->sigma));
  }
  const weighted terms[] = {
      {keep, run->x}, {take + extend, step->denoised}, {-extend, step->older}};
  weighted_sum(run->x, run->count, terms, step->previous > 0.0 ? 3 : 2);
  if (step->next > 0.0) add_noise(step, step->next * sqrt(take));
  return SD_OK;
}

/* DDIM with eta 0 (Song et al. 2021, equation 12) times sqrt(1 + sigma^2): x0 + next * noise, with
 * the noise that x holds by the estimate, (x - x0) / sigma. */
static sd_status ddim_step(const sampler_step *step) {
  const double noise_weight = step->next / step->sigma;
  const weighted terms[] = {{1.0 - noise_weight, step->denoised}, {noise_weight, step->run->x}};
  weighted_sum(step->run->x, step->run->count, terms, 2);
  return SD_OK;
}

/* Latent consistency models (Luo et al. 2023, algorithm 1): the estimate with fresh noise. */
static sd_status lcm_step(const sampler_step *step) {
  const weighted estimate = {1.0, step->denoised};
  weighted_sum(step->run->x, step->run->count, &estimate, 1);
  if (step->next > 0.0) add_noise(step, step->next);
  return SD_OK;
}

typedef struct sampler_row {
  sd_status (*advance)(const sampler_step *step);
  int32_t estimates; /* kept at a time: 1, or 2 with the one before */
  int32_t spare;     /* other buffers */
} sampler_row;

static const sampler_row samplers[] = {
    [SD_EULER] = {euler_step, 1, 0},
    [SD_EULER_A] = {euler_a_step, 1, 1},
    [SD_HEUN] = {heun_step, 1, 2},
    [SD_DPMPP_2M] = {dpmpp_2m_step, 2, 0},
    [SD_DPMPP_2M_SDE] = {dpmpp_2m_sde_step, 2, 1},
    [SD_DDIM] = {ddim_step, 1, 0},
    [SD_LCM] = {lcm_step, 1, 1},
};

static int is_known(sd_sampler sampler) {
  return (size_t)sampler < sizeof samplers / sizeof samplers[0];
}

size_t sampler_scratch(sd_sampler sampler, size_t count) {
  if (!is_known(sampler)) return 0;
  return (size_t)(samplers[sampler].estimates + samplers[sampler].spare) * count;
}

/* Step `index`, from 0. The two estimates take turns: each is the older one a step later. */
static sampler_step step_at(const sampler_run *run, const sampler_row *row, int32_t index) {
  float *estimates[2] = {run->scratch, run->scratch + (size_t)(row->estimates - 1) * run->count};
  return (sampler_step){
      .run = run,
      .previous = index > 0 ? (double)run->sigmas[index - 1] : 0.0,
      .sigma = (double)run->sigmas[index],
      .next = (double)run->sigmas[index + 1],
      .denoised = estimates[index % 2],
      .older = estimates[(index + 1) % 2],
      .spare = run->scratch + (size_t)row->estimates * run->count,
  };
}

sd_status sampler_run_all(sd_sampler sampler, const sampler_run *run) {
  if (!is_known(sampler) || run->steps < 1) return SD_BAD_ARGUMENT;
  const sampler_row *row = &samplers[sampler];
  for (int32_t i = 0; i < run->steps; i++) {
    const sampler_step step = step_at(run, row, i);
    sd_status status = run->denoise(run->user, step.denoised, run->x, run->sigmas[i]);
    if (status == SD_OK) status = row->advance(&step);
    if (status == SD_OK && run->step_done) status = run->step_done(run->user, i + 1, step.denoised);
    if (status != SD_OK) return status;
  }
  return SD_OK;
}
