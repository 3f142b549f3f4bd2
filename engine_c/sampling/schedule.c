/* schedule.c: owns the table of training noise levels and one function per schedule. Must not know
 * samplers, noise or latents. */
#include "sampling/schedule.h"

#include <math.h>
#include <stddef.h>

static const int last_timestep = SCHEDULE_TIMESTEPS - 1;

/* ---- the table ---- */

/* Entry i of an even float ramp, counted from the nearer end as torch.linspace does. */
static float ramp(float first, float last, int i, int count) {
  if (count == 1) return first;
  const float stride = (last - first) / (float)(count - 1);
  return i < count / 2 ? first + stride * (float)i : last - stride * (float)(count - 1 - i);
}

void schedule_table_init(sigma_table *table, double beta_start, double beta_end) {
  const float first = (float)sqrt(beta_start);
  const float last = (float)sqrt(beta_end);
  double product = 1.0; /* torch.cumprod adds up in double and rounds what it writes */
  for (int i = 0; i < SCHEDULE_TIMESTEPS; i++) {
    const float root = ramp(first, last, i, SCHEDULE_TIMESTEPS);
    const float beta = root * root;
    product *= (double)(1.0f - beta);
    const float signal = (float)product; /* alphas_cumprod */
    table->sigmas[i] = sqrtf((1.0f - signal) / signal);
    table->log_sigmas[i] = logf(table->sigmas[i]);
  }
}

float schedule_timestep(const sigma_table *table, float sigma) {
  const float *logs = table->log_sigmas;
  const float log_sigma = logf(sigma);
  int low = 0;
  while (low < last_timestep - 1 && logs[low + 1] <= log_sigma) low++;
  const float fraction = (log_sigma - logs[low]) / (logs[low + 1] - logs[low]);
  return (float)low + fminf(fmaxf(fraction, 0.0f), 1.0f);
}

float schedule_sigma(const sigma_table *table, float timestep) {
  const float clamped = fminf(fmaxf(timestep, 0.0f), (float)last_timestep);
  const int low = (int)clamped;
  if (low == last_timestep) return table->sigmas[low];
  const float fraction = clamped - (float)low;
  return expf((1.0f - fraction) * table->log_sigmas[low] + fraction * table->log_sigmas[low + 1]);
}

/* ---- schedules: level i of `steps` ---- */

static float normal_sigma(const sigma_table *table, int i, int steps) {
  return schedule_sigma(table, ramp((float)last_timestep, 0.0f, i, steps));
}

static float karras_sigma(const sigma_table *table, int i, int steps) {
  const double rho = 7.0;
  const double low = pow((double)table->sigmas[0], 1.0 / rho);
  const double high = pow((double)table->sigmas[last_timestep], 1.0 / rho);
  const double position = steps == 1 ? 0.0 : (double)i / (steps - 1);
  return (float)pow(high + position * (low - high), rho);
}

static float exponential_sigma(const sigma_table *table, int i, int steps) {
  const double low = log((double)table->sigmas[0]);
  const double high = log((double)table->sigmas[last_timestep]);
  const double position = steps == 1 ? 0.0 : (double)i / (steps - 1);
  return (float)exp(high + position * (low - high));
}

static float sgm_uniform_sigma(const sigma_table *table, int i, int steps) {
  return schedule_sigma(table, ramp((float)last_timestep, 0.0f, i, steps + 1));
}

static float simple_sigma(const sigma_table *table, int i, int steps) {
  const double stride = (double)SCHEDULE_TIMESTEPS / steps;
  return table->sigmas[last_timestep - (int)(i * stride)];
}

typedef float (*level_fn)(const sigma_table *table, int i, int steps);

static const level_fn schedules[] = {
    [SD_NORMAL] = normal_sigma,           [SD_KARRAS] = karras_sigma,
    [SD_EXPONENTIAL] = exponential_sigma, [SD_SGM_UNIFORM] = sgm_uniform_sigma,
    [SD_SIMPLE] = simple_sigma,
};

sd_status schedule_sigmas(float *out, sd_schedule schedule, const sigma_table *table,
                          int32_t steps) {
  const size_t row = (size_t)schedule;
  if (row >= sizeof schedules / sizeof schedules[0]) return SD_BAD_ARGUMENT;
  if (steps < 1 || steps > SCHEDULE_TIMESTEPS) return SD_BAD_ARGUMENT;
  for (int32_t i = 0; i < steps; i++) out[i] = schedules[row](table, i, steps);
  out[steps] = 0.0f;
  return SD_OK;
}

/* ---- scalings ---- */

schedule_scaling schedule_scalings(sd_prediction prediction, float sigma) {
  const double level = (double)sigma;
  const double c_in = 1.0 / sqrt(level * level + 1.0);
  if (prediction == SD_PREDICT_V) {
    return (schedule_scaling){(float)c_in, (float)(c_in * c_in), (float)(-level * c_in)};
  }
  return (schedule_scaling){(float)c_in, 1.0f, -sigma};
}
