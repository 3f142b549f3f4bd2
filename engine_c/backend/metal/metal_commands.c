/* metal commands: owns the way of a dispatch to the GPU: barriers, portions of about equal time,
 * how many of them are under way, waits that end, and what became of each. Knows no operator. */
#include <assert.h>
#include <math.h>

#include "backend/metal/metal_failures.h"
#include "backend/metal/metal_state.h"
#include "base/error.h"

/* A GPU of middling size; m->pace says how far this one is from it. */
static const double FLOPS_PER_SECOND = 1e12, BYTES_PER_SECOND = 5e10, DISPATCH_SECONDS = 5e-6;

/* The window draws and a cancel is answered between portions, of which three may be waited for. */
static const double PORTION_SECONDS = 0.025, DISPATCH_MOST_SECONDS = 0.02;

/* Other programs use the GPU too: a wait is given up only when it is far beyond the estimate. */
static const double WAIT_LEAST_SECONDS = 10, WAIT_TIMES_ESTIMATE = 20;

static const double PACE_LEARNT = 0.3, PACE_LEAST_SECONDS = 1e-3, PACE_LEAST = 0.01;

double metal_dispatch_limit(const metal_backend *m) {
  return DISPATCH_MOST_SECONDS * FLOPS_PER_SECOND / m->pace;
}

static double commands_estimate(const metal_backend *m, const metal_dispatch *d) {
  const double moving = (d->read_bytes + d->written_bytes) / BYTES_PER_SECOND;
  const double busy = fmax(d->flops / FLOPS_PER_SECOND, moving);
  return m->pace * (DISPATCH_SECONDS + busy);
}

/* What was short, and was thought to be, is mostly overhead and teaches nothing. */
static void commands_learn(metal_backend *m, double estimated, double measured) {
  if (fmax(estimated, measured) < PACE_LEAST_SECONDS) return;
  const double ratio = fmin(fmax(measured / estimated, 0.1), 10);
  m->pace = fmax(PACE_LEAST, m->pace * (1 + PACE_LEARNT * (ratio - 1)));
}

/* ---- waits ---- */

static void commands_give_up(metal_backend *m, double seconds) {
  if (!m->failure.status)
    error_set(&m->failure, SD_BACKEND_FAILED,
              "the GPU gave no answer in %.0f seconds (%.64s): close other programs that use it, "
              "or make the picture smaller",
              seconds, m->flying[0].label);
  for (int32_t i = 0; i < m->flying_count; i++) m->lost[m->lost_count++] = m->flying[i];
  m->flying_count = 0;
}

static void commands_await_oldest(metal_backend *m) {
  const metal_portion oldest = m->flying[0];
  const double limit = WAIT_LEAST_SECONDS + WAIT_TIMES_ESTIMATE * oldest.seconds;
  metal_outcome outcome;
  if (!m->driver->wait(&outcome, oldest.commands, limit)) {
    commands_give_up(m, limit);
    return;
  }
  m->driver->commands_close(oldest.commands);
  m->flying_count--;
  for (int32_t i = 0; i < m->flying_count; i++) m->flying[i] = m->flying[i + 1];
  m->seconds += outcome.seconds;
  if (!outcome.code)
    commands_learn(m, oldest.seconds, outcome.seconds);
  else if (!m->failure.status)
    metal_failure(&m->failure, &outcome, oldest.label);
}

int metal_is_idle(metal_backend *m) {
  int32_t running = 0;
  for (int32_t i = 0; i < m->lost_count; i++) {
    metal_outcome outcome;
    if (m->driver->wait(&outcome, m->lost[i].commands, 0))
      m->driver->commands_close(m->lost[i].commands);
    else
      m->lost[running++] = m->lost[i];
  }
  m->lost_count = running;
  return !running && !m->flying_count;
}

void metal_free(metal_backend *m, metal_buffer *buffer) {
  if (buffer && metal_is_idle(m)) m->driver->buffer_close(m->device, buffer);
}

/* ---- portions ---- */

static void commands_leave_out(metal_backend *m) {
  if (m->open.commands) m->driver->commands_close(m->open.commands);
  m->open = (metal_portion){0};
  metal_hazards_clear(&m->hazards);
}

static void commands_commit(metal_backend *m) {
  if (!m->open.commands) return;
  if (m->flying_count == METAL_FLYING_MAX) commands_await_oldest(m);
  if (!m->failure.status) {
    m->driver->commit(m->open.commands);
    m->flying[m->flying_count++] = m->open;
    m->open.commands = NULL;
  }
  commands_leave_out(m);
}

static int commands_open(metal_backend *m) {
  if (m->open.commands) return 1;
  const char *label = m->node ? m->node->label : "weights";
  m->open = (metal_portion){.commands = m->driver->commands_open(m->device, label), .label = label};
  if (m->open.commands) return 1;
  error_set(&m->failure, SD_BACKEND_FAILED, "the GPU takes no commands: try again");
  return 0;
}

void metal_count_bytes(metal_dispatch *d) {
  d->read_bytes = 0;
  for (int32_t i = 0; i < d->in_count; i++) d->read_bytes += (double)d->in[i].bytes;
  d->written_bytes = (double)(d->out.bytes + (d->out2_is_flag ? 0 : d->out2.bytes));
}

static int commands_fit(const metal_pipeline *pipeline, const metal_dispatch *d) {
  return pipeline && d->threads <= (uint32_t)pipeline->max_threads;
}

void metal_encode(metal_backend *m, const metal_dispatch *d) {
  const metal_pipeline *pipeline = m->kernels.pipelines[d->kernel];
  assert(d->args_bytes <= METAL_ARGS_BYTES && d->in_count <= METAL_INPUT_MAX);
  if (m->failure.status || m->refused || atomic_load(m->base.stop)) return;
  if (!commands_fit(pipeline, d)) {
    m->refused = &m->kernels.pipeline_rows[d->kernel];
    return;
  }
  if (!commands_open(m)) return;
  if (metal_hazards_add(&m->hazards, d)) m->driver->barrier(m->open.commands);
  m->driver->dispatch(m->open.commands, pipeline, d, m->flag);
  m->open.seconds += commands_estimate(m, d);
  if (m->open.seconds >= PORTION_SECONDS) commands_commit(m);
}

sd_status metal_drain(metal_backend *m) {
  if (m->failure.status || atomic_load(m->base.stop))
    commands_leave_out(m);
  else
    commands_commit(m);
  while (m->flying_count) commands_await_oldest(m);
  return m->failure.status;
}

sd_status metal_end(metal_backend *m, sd_error *error) {
  metal_drain(m);
  const sd_error failure = m->failure;
  m->failure = (sd_error){.status = SD_OK};
  if (failure.status) return error_set(error, failure.status, "%s", failure.text);
  if (atomic_load(m->base.stop)) return error_set(error, SD_CANCELLED, "cancelled");
  return SD_OK;
}
