/* self_test: see self_test.h. Owns the numbers that the cases are run on and the comparison; what
 * is run is said by self_test_cases, what is right by reference. */
#include "backend/self_test.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "backend/reference.h"
#include "backend/self_test_cases.h"
#include "base/blocks.h"
#include "base/error.h"
#include "base/half.h"
#include "graph/plan.h"
#include "graph/weights.h"

/* Largest |got - wanted| / (1 + |wanted|) where the output is stored in f16: its numbers are
 * rounded by up to 2^-11; as much again is left for sums that were rounded on their way. bf16: by
 * up to 2^-8. */
static const double F16_TOLERANCE = 0x1p-10, BF16_TOLERANCE = 0x1p-7;

/* One case with one storage of activations. */
typedef struct self_test {
  const self_test_case *test;
  backend *backend;
  graph graph;
  arena memory; /* weights and the reference's numbers */
  weight weights[WEIGHT_MAX];
  tensor *in[IN_MAX], *out;
  reference_values values;
  uint64_t random;
} self_test;

/* Of activations, in the order of sd_dtype: SD_F32, SD_F16, SD_BF16. */
typedef struct self_test_storages {
  sd_dtype first, last;
  int32_t has_pairs;
} self_test_storages;

/* Evenly spread over mean - spread to mean + spread. */
typedef struct self_test_range {
  float mean, spread;
} self_test_range;

/* -1 to 1, from a counter. Source: Steele, Lea and Flood, Fast splittable generators (SplitMix64).
 */
static float self_test_random(self_test *t) {
  uint64_t x = t->random += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return (float)(x >> 40) * 0x1p-23f - 1.0f;
}

/* ---- recording ---- */

static sd_dtype self_test_in_dtype(const self_test *t, int role) {
  switch (t->test->op) {
    case OP_timestep_embedding:
      return SD_F32;
    case OP_embedding:
      return role == IN_X ? SD_I32 : SD_F32;
    case OP_latent_rgb:
      return role == IN_X ? t->graph.dtype : SD_F32;
    case OP_attention:
      return role == IN_KEY_COUNTS ? SD_I32 : t->graph.dtype;
    default:
      return t->graph.dtype;
  }
}

static void self_test_shape_weight(self_test *t, int role, int32_t rank, const int64_t *shape) {
  weight *w = &t->weights[role];
  const sd_dtype plain = t->graph.dtype == SD_BF16 ? SD_BF16 : SD_F16;
  const sd_dtype dtype = role == WEIGHT_MAIN && t->test->weight ? t->test->weight : plain;
  *w = (weight){.name = "self-test", .dtype = dtype, .rank = rank};
  for (int i = 0; i < 4; i++) w->shape[i] = i < rank ? shape[i] : 1;
}

/* Shapes of the weights that the case's operator has; rank 0 where it has none. */
static void self_test_shape_weights(self_test *t) {
  const self_test_case *c = t->test;
  const int64_t in = c->in[IN_X].c + c->in[IN_Y].c, k = c->kernel;
  const int64_t out = c->op == OP_linear && c->args.act == ACT_GEGLU ? 2 * c->out.c : c->out.c;
  switch (c->op) {
    case OP_embedding:
      self_test_shape_weight(t, WEIGHT_MAIN, 2, (const int64_t[]){c->out.h, out});
      break;
    case OP_layer_norm:
    case OP_group_norm:
      self_test_shape_weight(t, WEIGHT_MAIN, 1, &in);
      self_test_shape_weight(t, WEIGHT_BIAS, 1, &in);
      break;
    case OP_linear:
      self_test_shape_weight(t, WEIGHT_MAIN, 2, (const int64_t[]){out, in});
      break;
    case OP_conv2d:
      self_test_shape_weight(t, WEIGHT_MAIN, 4, (const int64_t[]){out, in, k, k});
      break;
    default:
      break;
  }
  if (c->has_bias) self_test_shape_weight(t, WEIGHT_BIAS, 1, &out);
}

static tensor *self_test_record_conv2d(self_test *t, weight *w, weight *bias) {
  const self_test_case *c = t->test;
  return ops_conv2d(&t->graph, &(conv_inputs){.x = t->in[IN_X],
                                              .y = t->in[IN_Y],
                                              .w = w,
                                              .bias = bias,
                                              .residual = t->in[IN_RESIDUAL],
                                              .channel_add = t->in[IN_CHANNEL_ADD],
                                              .stride = c->args.stride,
                                              .pad = c->args.pad,
                                              .upsample = c->args.upsample,
                                              .out_h = c->out.h,
                                              .out_w = c->out.w,
                                              .act = c->args.act});
}

/* No default: the compiler names an operator that is left out. */
static tensor *self_test_record_op(self_test *t) {
  const self_test_case *c = t->test;
  const op_args *args = &c->args;
  graph *g = &t->graph;
  tensor **in = t->in;
  weight *w = t->weights[WEIGHT_MAIN].rank ? &t->weights[WEIGHT_MAIN] : NULL;
  weight *bias = t->weights[WEIGHT_BIAS].rank ? &t->weights[WEIGHT_BIAS] : NULL;
  switch (c->op) {
    case OP_arange:
      return ops_arange(g, args->start, args->step, c->out.c, c->dtype);
    case OP_timestep_embedding:
      return ops_timestep_embedding(g, in[IN_X], c->out.c);
    case OP_embedding:
      return ops_embedding(g, in[IN_X], w, in[IN_Y]);
    case OP_add:
      return ops_add(g, in[IN_X], in[IN_Y]);
    case OP_activation:
      return ops_activation(g, in[IN_X], args->act);
    case OP_cast:
      return ops_cast(g, in[IN_X], g->dtype == SD_F32 ? SD_F16 : SD_F32);
    case OP_latent_rgb:
      return ops_latent_rgb(g, in[IN_X], in[IN_Y]);
    case OP_layer_norm:
      return ops_layer_norm(g, in[IN_X], w, bias, args->eps);
    case OP_group_norm:
      return ops_group_norm(g, in[IN_X], in[IN_Y], w, bias, args->groups, args->eps, args->act);
    case OP_linear:
      return ops_linear(g, in[IN_X], w, bias, in[IN_RESIDUAL], args->act);
    case OP_conv2d:
      return self_test_record_conv2d(t, w, bias);
    case OP_attention:
      return ops_attention(g, in[IN_Q], in[IN_K], in[IN_V], in[IN_KEY_COUNTS], args->heads,
                           args->causal);
    case OP_COUNT:
      break;
  }
  return &g->nothing;
}

static sd_status self_test_record(self_test *t, sd_error *error) {
  graph *g = &t->graph;
  graph_label(g, "self-test");
  self_test_shape_weights(t);
  for (int i = 0; i < IN_MAX; i++) {
    const self_test_shape *s = &t->test->in[i];
    if (s->c) t->in[i] = graph_input(g, self_test_in_dtype(t, i), s->n, s->h, s->w, s->c);
  }
  t->out = graph_keep(self_test_record_op(t));
  plan_place(g, 0);
  return g->error.status ? error_set(error, g->error.status, "%s", g->error.text) : SD_OK;
}

/* ---- numbers ---- */

/* Random numbers of `dtype` to `stored`; returns what they stand for, NULL: out of memory. */
static const double *self_test_draw(self_test *t, void *stored, sd_dtype dtype, int64_t count,
                                    self_test_range range) {
  double *values = arena_take(&t->memory, (size_t)count * sizeof *values);
  for (int64_t i = 0; values && i < count; i++) {
    char *at = (char *)stored + i * (int64_t)half_dtype_bytes(dtype);
    float number = range.mean + range.spread * self_test_random(t);
    if (dtype == SD_I32)
      *(int32_t *)(void *)at = (int32_t)lrintf(number);
    else
      half_pack(at, &number, dtype, 1);
    half_unpack(&number, at, dtype, 1);
    values[i] = (double)number;
  }
  return values;
}

/* Random blocks of Q8_0: a scale of 2^-7 or 2^-8, so that f16 holds its products, and 32 bytes. */
static const double *self_test_draw_blocks(self_test *t, void *stored, int64_t count) {
  double *values = arena_take(&t->memory, (size_t)count * sizeof *values);
  uint8_t *at = stored;
  double scale = 0;
  for (int64_t i = 0; values && i < count; i++) {
    if (i % (int64_t)blocks_numbers(SD_Q8_0) == 0) {
      const float drawn = self_test_random(t) < 0 ? 0x1p-7f : 0x1p-8f;
      half_pack(at, &drawn, SD_F16, 1);
      scale = (double)drawn;
      at += half_dtype_bytes(SD_F16);
    }
    const int8_t number = (int8_t)lrintf(127 * self_test_random(t));
    *at++ = (uint8_t)number;
    values[i] = scale * number;
  }
  return values;
}

/* Off zero, so that a mean is there to be found; integers so that all they may be occurs. */
static self_test_range self_test_in_range(const self_test_case *c, int role) {
  const float rows = (float)(c->out.h + c->in[IN_Y].w), keys = (float)c->in[IN_K].w;
  if (c->op == OP_timestep_embedding) return (self_test_range){500, 500};
  if (c->op == OP_embedding && role == IN_X) return (self_test_range){rows / 2, rows / 2 + 2};
  if (c->op == OP_attention && role == IN_KEY_COUNTS)
    return (self_test_range){(keys + 1) / 2, (keys - 1) / 2};
  return (self_test_range){0.5f, c->spread > 0 ? c->spread : 2.0f};
}

/* Products keep the size of their inputs; scales are around 1. */
static self_test_range self_test_weight_range(const self_test *t, int role) {
  const weight *w = &t->weights[role];
  const float terms = (float)(weights_elements(w) / w->shape[0]);
  if (w->kind == WEIGHT_MATRIX || w->kind == WEIGHT_GEGLU)
    return (self_test_range){0, sqrtf(3 / terms)};
  return (self_test_range){role == WEIGHT_MAIN ? 1 : 0, 1};
}

static sd_status self_test_fill_weight(self_test *t, int role, sd_error *error) {
  weight *w = &t->weights[role];
  void *data = arena_take(&t->memory, (size_t)weights_source_bytes(w));
  if (data && blocks_numbers(w->dtype))
    t->values.weights[role] = self_test_draw_blocks(t, data, weights_elements(w));
  else if (data)
    t->values.weights[role] =
        self_test_draw(t, data, w->dtype, weights_elements(w), self_test_weight_range(t, role));
  if (!t->values.weights[role])
    return error_set(error, SD_OUT_OF_MEMORY, "no memory for the start-up check");
  w->data = data;
  return t->backend->table->upload(t->backend, w, error);
}

static sd_status self_test_fill(self_test *t, sd_error *error) {
  backend *b = t->backend;
  sd_status status = b->table->reserve(b, t->graph.arena_bytes, error);
  for (int i = 0; i < WEIGHT_MAX && !status; i++)
    if (t->weights[i].rank) status = self_test_fill_weight(t, i, error);
  for (int i = 0; i < IN_MAX && !status; i++) {
    const tensor *in = t->in[i];
    if (!in) continue;
    t->values.in[i] = self_test_draw(t, b->table->address(b, in), in->dtype, tensor_count(in),
                                     self_test_in_range(t->test, i));
    if (!t->values.in[i])
      status = error_set(error, SD_OUT_OF_MEMORY, "no memory for the start-up check");
  }
  return status;
}

/* ---- one case ---- */

static double self_test_tolerance(const self_test *t) {
  const double tolerance = ops_tolerance(t->test->op);
  if (t->out->dtype == SD_BF16) return fmax(tolerance, BF16_TOLERANCE);
  return t->out->dtype == SD_F16 ? fmax(tolerance, F16_TOLERANCE) : tolerance;
}

/* Largest error over the tolerance; infinite where a number is not finite. */
static double self_test_compare(const self_test *t) {
  const char *stored = t->backend->table->address(t->backend, t->out);
  double worst = 0;
  for (int64_t i = 0; i < tensor_count(t->out); i++) {
    float got;
    half_unpack(&got, stored + i * (int64_t)half_dtype_bytes(t->out->dtype), t->out->dtype, 1);
    const double wanted = t->values.out[i], error = fabs((double)got - wanted);
    worst = fmax(worst, isfinite(error) ? error / (1 + fabs(wanted)) : INFINITY);
  }
  return worst / self_test_tolerance(t);
}

static double self_test_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Runs the case and puts its error and time into the row. */
static sd_status self_test_compute(sd_op_check *row, self_test *t, sd_error *error) {
  sd_status status = self_test_record(t, error);
  if (!status) status = self_test_fill(t, error);
  if (status) return status;
  t->values.out = arena_take(&t->memory, (size_t)tensor_count(t->out) * sizeof(double));
  if (!t->values.out) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the start-up check");
  reference_run(&t->graph.nodes[0], &t->values);
  run_report report = {.bad_node = -1};
  const double start_ms = self_test_now_ms();
  status = t->backend->table->run(t->backend, &t->graph, &report, error);
  if (status) return status;
  row->elapsed_ms += self_test_now_ms() - start_ms;
  row->error_ratio = fmax(row->error_ratio, self_test_compare(t));
  if (report.bad_node >= 0) row->error_ratio = INFINITY; /* all inputs are finite */
  return SD_OK;
}

/* A case that cannot run has failed, but want of memory, a cancel and a lost device end the check.
 */
static sd_status self_test_run_case(sd_op_check *row, backend *b, const self_test_case *test,
                                    sd_dtype storage, sd_error *error) {
  self_test t = {.test = test, .backend = b};
  sd_error failure = {0};
  graph_open(&t.graph, storage);
  sd_status status = self_test_compute(row, &t, &failure);
  for (int i = 0; i < WEIGHT_MAX; i++)
    if (t.weights[i].packed) b->table->drop(b, &t.weights[i]);
  graph_close(&t.graph);
  arena_free(&t.memory);
  if (status == SD_OUT_OF_MEMORY || status == SD_CANCELLED || status == SD_BACKEND_LOST)
    return error_set(error, status, "%s", failure.text);
  if (status) row->error_ratio = INFINITY;
  return SD_OK;
}

/* ---- all cases ---- */

/* Every case of the operator in the storages from first to last, and those in_pairs in bf16 too if
 * has_pairs. */
static sd_status self_test_run_storages(sd_op_check *row, backend *b, op_kind op,
                                        self_test_storages storages, sd_error *error) {
  *row = (sd_op_check){0};
  snprintf(row->op, sizeof row->op, "%s", ops_name(op));
  snprintf(row->served_by, sizeof row->served_by, "%s", b->table->served_by(b, op));
  int32_t runs = 0;
  for (int32_t i = 0; self_test_case_at(i); i++) {
    const self_test_case *test = self_test_case_at(i);
    if (test->op != op) continue;
    const sd_dtype last = storages.has_pairs && test->in_pairs ? SD_BF16 : storages.last;
    for (sd_dtype storage = storages.first; storage <= last; storage++, runs++) {
      sd_status status = self_test_run_case(row, b, test, storage, error);
      if (status) return status;
    }
  }
  row->passed = runs > 0 && row->error_ratio <= 1;
  return SD_OK;
}

sd_status self_test_run_op(sd_op_check *row, backend *b, op_kind op, sd_error *error) {
  return self_test_run_storages(row, b, op, (self_test_storages){SD_F32, SD_F16, 0}, error);
}

sd_status self_test_run_op_in(sd_op_check *row, backend *b, op_kind op, sd_dtype storage,
                              sd_error *error) {
  return self_test_run_storages(row, b, op, (self_test_storages){storage, storage, 0}, error);
}

sd_status self_test_run(sd_op_check *out, int32_t *count, backend *b, int32_t capacity,
                        sd_error *error) {
  const self_test_storages storages = {SD_F32, SD_F16, !b->table->cannot_store(b, SD_BF16)};
  *count = OP_COUNT;
  sd_status status = SD_OK;
  for (int32_t op = 0; op < OP_COUNT && op < capacity && !status; op++)
    status = self_test_run_storages(&out[op], b, (op_kind)op, storages, error);
  b->table->reserve(b, 0, NULL);
  return status;
}
