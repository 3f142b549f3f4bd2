/* cpu elementwise: the operators without long sums: arange, timestep embedding, embedding, add,
 * activation, cast, latents to colours. Owns the cut of flat tensors into chunks; knows no network.
 */
#include <math.h>

#include "backend/cpu/cpu_backend.h"
#include "base/half.h"

enum {
  ITEM_NUMBERS = 32768, /* of one item: tens of microseconds */
  CHUNK_NUMBERS = 1024  /* of a buffer on the stack */
};

static char *elementwise_at(const cpu_backend *cpu, const tensor *t, int64_t index) {
  return (char *)cpu_address(cpu, t) + index * (int64_t)half_dtype_bytes(t->dtype);
}

/* `count` numbers of t from `index` on as f32: where they lie, or unpacked into `buffer`. */
static const float *elementwise_read(const cpu_backend *cpu, const tensor *t, int64_t index,
                                     int64_t count, float *buffer) {
  const char *at = elementwise_at(cpu, t, index);
  if (t->dtype == SD_F32) return (const float *)(const void *)at;
  cpu->isa->unpack(buffer, at, t->dtype, (size_t)count);
  return buffer;
}

/* ---- arange, timestep_embedding ---- */

void cpu_arange(cpu_backend *cpu, const node *n) {
  const tensor *out = n->out;
  for (int32_t i = 0; i < out->c; i++) {
    const float value = (float)((double)n->args.start + i * (double)n->args.step);
    void *at = elementwise_at(cpu, out, i);
    if (out->dtype == SD_I32)
      *(int32_t *)at = (int32_t)lrintf(value);
    else
      half_pack(at, &value, out->dtype, 1);
  }
}

void cpu_timestep_embedding(cpu_backend *cpu, const node *n) {
  const tensor *out = n->out;
  const float *timesteps = cpu_address(cpu, n->in[IN_X]);
  const int32_t half = out->c / 2;
  for (int32_t row = 0; row < out->n; row++) {
    for (int32_t i = 0; i < half; i++) {
      const double angle = (double)timesteps[row] * exp(-log(10000.0) * i / half);
      const float wave[2] = {(float)cos(angle), (float)sin(angle)};
      const int64_t at = (int64_t)row * out->c + i;
      half_pack(elementwise_at(cpu, out, at), &wave[0], out->dtype, 1);
      half_pack(elementwise_at(cpu, out, at + half), &wave[1], out->dtype, 1);
    }
  }
}

/* ---- embedding ---- */

typedef struct embedding {
  const cpu_backend *cpu;
  const node *node;
} embedding;

static void embedding_row(void *user, int64_t row, int32_t worker) {
  (void)worker;
  const embedding *e = user;
  const cpu_isa *isa = e->cpu->isa;
  const weight *table = e->node->weights[WEIGHT_MAIN];
  const tensor *out = e->node->out;
  const tensor *extra = e->node->in[IN_Y];
  const int64_t vocabulary = table->shape[0];
  const int64_t last = vocabulary + (extra ? tensor_rows(extra) : 0) - 1;
  int64_t id = ((const int32_t *)cpu_address(e->cpu, e->node->in[IN_X]))[row];
  id = id < 0 ? 0 : id > last ? last : id;
  const int is_extra = id >= vocabulary;
  const sd_dtype dtype = is_extra ? SD_F32 : table->dtype;
  const char *rows = is_extra ? cpu_address(e->cpu, extra) : table->data;
  const int64_t first = (is_extra ? id - vocabulary : id) * out->c;
  float buffer[CHUNK_NUMBERS];
  for (int32_t c = 0; c < out->c; c += CHUNK_NUMBERS) {
    const size_t count = (size_t)(out->c - c < CHUNK_NUMBERS ? out->c - c : CHUNK_NUMBERS);
    cpu_unpack(isa, buffer, rows, dtype, (size_t)(first + c), count);
    isa->pack(elementwise_at(e->cpu, out, row * out->c + c), buffer, out->dtype, count);
  }
}

void cpu_embedding(cpu_backend *cpu, const node *n) {
  threads_run(cpu->pool, tensor_rows(n->out), embedding_row, &(embedding){cpu, n});
}

/* ---- add, activation, cast: chunk by chunk ---- */

/* to[0..count) from x and, for add, y. */
typedef void (*elementwise_body)(const cpu_isa *isa, const op_args *args, float *to, const float *x,
                                 const float *y, size_t count);

typedef struct elementwise {
  const cpu_backend *cpu;
  const node *node;
  elementwise_body body;
  int64_t row_numbers; /* of one row of the batch */
  int64_t row_items;
} elementwise;

static void elementwise_item(void *user, int64_t item, int32_t worker) {
  (void)worker;
  const elementwise *e = user;
  const tensor *x = e->node->in[IN_X], *y = e->node->in[IN_Y], *out = e->node->out;
  const int64_t row = item / e->row_items * e->row_numbers,
                first = item % e->row_items * ITEM_NUMBERS;
  const int64_t y_row = y && y->n > 1 ? row : 0;
  float x_buffer[CHUNK_NUMBERS], y_buffer[CHUNK_NUMBERS], result[CHUNK_NUMBERS];
  for (int64_t at = first; at < first + ITEM_NUMBERS && at < e->row_numbers; at += CHUNK_NUMBERS) {
    const int64_t left = e->row_numbers - at, count = left < CHUNK_NUMBERS ? left : CHUNK_NUMBERS;
    const float *from = elementwise_read(e->cpu, x, row + at, count, x_buffer);
    const float *other = y ? elementwise_read(e->cpu, y, y_row + at, count, y_buffer) : NULL;
    char *target = elementwise_at(e->cpu, out, row + at);
    float *to = out->dtype == SD_F32 ? (float *)(void *)target : result;
    e->body(e->cpu->isa, &e->node->args, to, from, other, (size_t)count);
    if (to == result) e->cpu->isa->pack(target, to, out->dtype, (size_t)count);
  }
}

static void elementwise_run(cpu_backend *cpu, const node *n, elementwise_body body) {
  elementwise e = {.cpu = cpu, .node = n, .body = body};
  e.row_numbers = tensor_count(n->out) / n->out->n;
  e.row_items = (e.row_numbers + ITEM_NUMBERS - 1) / ITEM_NUMBERS;
  threads_run(cpu->pool, n->out->n * e.row_items, elementwise_item, &e);
}

static void add_body(const cpu_isa *isa, const op_args *args, float *to, const float *x,
                     const float *y, size_t count) {
  (void)args;
  isa->add_row(to, x, y, count);
}

static void activation_body(const cpu_isa *isa, const op_args *args, float *to, const float *x,
                            const float *y, size_t count) {
  (void)y;
  switch (args->act) {
    case ACT_SILU:
      isa->silu_row(to, x, count);
      break;
    case ACT_GELU:
      isa->gelu_row(to, x, count);
      break;
    case ACT_QUICK_GELU:
      isa->quick_gelu_row(to, x, count);
      break;
    case ACT_RELU:
      for (size_t i = 0; i < count; i++) to[i] = x[i] < 0.0f ? 0.0f : x[i]; /* a NaN stays one */
      break;
    case ACT_TANH3:
      for (size_t i = 0; i < count; i++) to[i] = 3.0f * tanhf(x[i] / 3.0f);
      break;
    case ACT_NONE:
    case ACT_GEGLU:
      isa->pack(to, x, SD_F32, count);
      break;
  }
}

static void cast_body(const cpu_isa *isa, const op_args *args, float *to, const float *x,
                      const float *y, size_t count) {
  (void)args;
  (void)y;
  isa->pack(to, x, SD_F32, count);
}

void cpu_add(cpu_backend *cpu, const node *n) { elementwise_run(cpu, n, add_body); }
void cpu_activation(cpu_backend *cpu, const node *n) { elementwise_run(cpu, n, activation_body); }
void cpu_cast(cpu_backend *cpu, const node *n) { elementwise_run(cpu, n, cast_body); }

/* ---- latent_rgb ---- */

typedef struct latent_rgb {
  const cpu_backend *cpu;
  const node *node;
} latent_rgb;

/* One row of pixels. */
static void latent_rgb_item(void *user, int64_t item, int32_t worker) {
  (void)worker;
  const latent_rgb *job = user;
  const tensor *x = job->node->in[IN_X], *out = job->node->out;
  const float *map = cpu_address(job->cpu, job->node->in[IN_Y]), *bias = map + x->c * OPS_COLORS;
  float *to = (float *)(void *)elementwise_at(job->cpu, out, item * out->w * OPS_COLORS);
  float buffer[OPS_LATENT_CHANNELS];
  for (int32_t i = 0; i < out->w; i++, to += OPS_COLORS) {
    const float *pixel = elementwise_read(job->cpu, x, (item * x->w + i) * x->c, x->c, buffer);
    for (int32_t color = 0; color < OPS_COLORS; color++) {
      float sum = bias[color];
      for (int32_t c = 0; c < x->c; c++) sum += pixel[c] * map[c * OPS_COLORS + color];
      to[color] = sum;
    }
  }
}

void cpu_latent_rgb(cpu_backend *cpu, const node *n) {
  threads_run(cpu->pool, (int64_t)n->out->n * n->out->h, latent_rgb_item, &(latent_rgb){cpu, n});
}
