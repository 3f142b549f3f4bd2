/* metal run: the run loop: node after node to its encoder, or to the other backend on the same
 * memory. Owns which operators have left Metal, and why. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "backend/metal/metal_state.h"
#include "base/error.h"

static const metal_encoder METAL_ENCODERS[OP_COUNT] = {
#define OP(name, tensors, cpu, encoder, tolerance) encoder,
#include "graph/ops.def"
#undef OP
};

static atomic_int *run_flag(const metal_backend *m) { return m->flag->contents; }

/* ---- the other backend ---- */

static void run_note_fallback(metal_backend *m, op_kind op, const char *reason) {
  if (m->is_fallen[op]) return;
  m->is_fallen[op] = 1;
  sd_fallback_report *row = &m->fallbacks[m->fallback_count++];
  snprintf(row->op, sizeof row->op, "%s", ops_name(op));
  snprintf(row->reason, sizeof row->reason, "%s", reason);
}

void metal_fall_back(metal_backend *m, op_kind op, const char *reason) {
  run_note_fallback(m, op, reason);
  if (op != OP_linear && op != OP_conv2d) return;
  /* They share kernels and weights: a matrix is not to be held twice. */
  run_note_fallback(m, OP_linear, reason);
  run_note_fallback(m, OP_conv2d, reason);
}

const char *metal_fall_reason(const backend *b, op_kind op) {
  const metal_backend *m = (const metal_backend *)b;
  for (int32_t i = 0; i < m->fallback_count; i++)
    if (!strcmp(m->fallbacks[i].op, ops_name(op))) return m->fallbacks[i].reason;
  return NULL;
}

/* What packing one of the node's weights lacked, or NULL. */
static const sd_pipeline_report *run_lacking(const node *n) {
  for (int i = 0; i < WEIGHT_MAX; i++) {
    const metal_weight *record = n->weights[i] ? n->weights[i]->packed : NULL;
    if (record && !record->view.buffer) return record->refused;
  }
  return NULL;
}

static void run_leave(metal_backend *m, op_kind op, const sd_pipeline_report *lacking) {
  char reason[sizeof m->fallbacks[0].reason];
  if (lacking->max_threads)
    snprintf(reason, sizeof reason, "the pipeline %s takes no more than %d threads", lacking->name,
             lacking->max_threads);
  else
    snprintf(reason, sizeof reason, "the pipeline %s is not there: %.128s", lacking->name,
             lacking->log);
  metal_fall_back(m, op, reason);
}

static void run_elsewhere(metal_backend *m, const node *n) {
  backend *other = m->fallback.backend;
  if (metal_drain(m)) return;
  node copy = *n;
  for (int i = 0; i < WEIGHT_MAX; i++) {
    if (!n->weights[i]) continue;
    metal_weight *record = n->weights[i]->packed;
    if (metal_upload_for_fallback(m, record, &m->failure)) return;
    copy.weights[i] = &record->for_fallback;
  }
  const graph one = {.nodes = &copy, .node_count = 1};
  run_report report = {.bad_node = -1};
  m->fallback.lend(other, m->arena->contents);
  if (other->table->run(other, &one, &report, &m->failure)) return;
  if (report.bad_node >= 0 && atomic_load(run_flag(m)) > m->node_index)
    atomic_store(run_flag(m), m->node_index);
}

/* ---- nodes ---- */

static void run_node(metal_backend *m, const node *n) {
  m->node = n;
  m->refused = m->is_fallen[n->op] ? NULL : run_lacking(n);
  if (!m->is_fallen[n->op]) METAL_ENCODERS[n->op](m, n); /* nothing, where something lacks */
  if (m->refused) run_leave(m, n->op, m->refused);
  m->refused = NULL;
  if (m->is_fallen[n->op]) run_elsewhere(m, n);
}

sd_status metal_run(backend *b, const graph *g, run_report *report, sd_error *error) {
  metal_backend *m = metal_of(b);
  sd_status status = metal_end_uploads(m, error);
  if (status) return status;
  if (!metal_is_idle(m)) return metal_refuse_busy(error);
  atomic_store(run_flag(m), INT_MAX);
  for (int32_t i = 0; i < g->node_count && !m->failure.status && !atomic_load(b->stop); i++) {
    m->node_index = i;
    run_node(m, &g->nodes[i]);
  }
  m->node = NULL;
  status = metal_end(m, error);
  const int bad = atomic_load(run_flag(m));
  report->bad_node = bad == INT_MAX ? -1 : bad;
  return status;
}
