/* reference: see reference.h. One function an operator, bound by ops.def: a row without one does
 * not compile. Arguments and shapes are explained at the recorders in graph/ops.h. */
#include "backend/reference.h"

#include <math.h>

/* ---- elementwise ---- */

static double reference_gelu(double x) { return x / 2 * (1 + erf(x / sqrt(2.0))); }

static double reference_activate(double x, activation act) {
  switch (act) {
    case ACT_SILU:
      return x / (1 + exp(-x));
    case ACT_GELU:
      return reference_gelu(x);
    case ACT_QUICK_GELU:
      return x / (1 + exp(-1.702 * x));
    case ACT_RELU:
      return x < 0 ? 0 : x;
    case ACT_TANH3:
      return 3 * tanh(x / 3);
    case ACT_NONE:
    case ACT_GEGLU:
      break; /* the gates are linear's */
  }
  return x;
}

/* out [count] */
static void reference_arange(const node *n, const reference_values *v) {
  for (int32_t i = 0; i < n->out->c; i++)
    v->out[i] = (double)n->args.start + i * (double)n->args.step;
}

/* t [n] -> out [n][dim]: cosines, then sines */
static void reference_timestep_embedding(const node *n, const reference_values *v) {
  const int32_t dim = n->out->c, half = dim / 2;
  for (int32_t row = 0; row < n->out->n; row++)
    for (int32_t i = 0; i < half; i++) {
      const double angle = v->in[IN_X][row] * pow(10000, -(double)i / half);
      v->out[row * dim + i] = cos(angle);
      v->out[row * dim + half + i] = sin(angle);
    }
}

/* ids [rows], table [vocabulary][c], extra [count][c] -> out [rows][c] */
static void reference_embedding(const node *n, const reference_values *v) {
  const int64_t vocabulary = n->weights[WEIGHT_MAIN]->shape[0], channels = n->out->c;
  const int64_t last = vocabulary + (n->in[IN_Y] ? tensor_rows(n->in[IN_Y]) : 0) - 1;
  for (int64_t row = 0; row < tensor_rows(n->out); row++) {
    const int64_t id = (int64_t)fmin(fmax(v->in[IN_X][row], 0), (double)last);
    const double *rows = id < vocabulary ? v->weights[WEIGHT_MAIN] + id * channels
                                         : v->in[IN_Y] + (id - vocabulary) * channels;
    for (int64_t c = 0; c < channels; c++) v->out[row * channels + c] = rows[c];
  }
}

/* x [n][..], y [n or 1][..] -> out [n][..] */
static void reference_add(const node *n, const reference_values *v) {
  const int64_t y_count = tensor_count(n->in[IN_Y]);
  for (int64_t i = 0; i < tensor_count(n->out); i++)
    v->out[i] = v->in[IN_X][i] + v->in[IN_Y][i % y_count];
}

static void reference_activation(const node *n, const reference_values *v) {
  for (int64_t i = 0; i < tensor_count(n->out); i++)
    v->out[i] = reference_activate(v->in[IN_X][i], n->args.act);
}

static void reference_cast(const node *n, const reference_values *v) {
  for (int64_t i = 0; i < tensor_count(n->out); i++) v->out[i] = v->in[IN_X][i];
}

/* x [rows][c], map [c + 1][3] -> out [rows][3] */
static void reference_latent_rgb(const node *n, const reference_values *v) {
  const int64_t channels = n->in[IN_X]->c;
  for (int64_t i = 0; i < tensor_count(n->out); i++) {
    const int64_t row = i / OPS_COLORS, color = i % OPS_COLORS;
    v->out[i] = v->in[IN_Y][channels * OPS_COLORS + color];
    for (int64_t c = 0; c < channels; c++)
      v->out[i] += v->in[IN_X][row * channels + c] * v->in[IN_Y][c * OPS_COLORS + color];
  }
}

/* ---- norms ---- */

/* x [rows][c], scale and shift [c] -> out [rows][c] */
static void reference_layer_norm(const node *n, const reference_values *v) {
  const int64_t channels = n->out->c;
  for (int64_t row = 0; row < tensor_rows(n->out); row++) {
    const double *x = v->in[IN_X] + row * channels;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels; c++) mean += x[c] / (double)channels;
    for (int64_t c = 0; c < channels; c++)
      variance += (x[c] - mean) * (x[c] - mean) / (double)channels;
    const double factor = 1 / sqrt(variance + (double)n->args.eps);
    for (int64_t c = 0; c < channels; c++)
      v->out[row * channels + c] =
          (x[c] - mean) * factor * v->weights[WEIGHT_MAIN][c] + v->weights[WEIGHT_BIAS][c];
  }
}

/* Channel c of row `row` of the sources x [rows][x.c] and y [rows][y.c] joined. */
static double reference_joined(const node *n, const reference_values *v, int64_t row, int64_t c) {
  const int64_t x_channels = n->in[IN_X]->c;
  if (c < x_channels) return v->in[IN_X][row * x_channels + c];
  return v->in[IN_Y][row * n->in[IN_Y]->c + c - x_channels];
}

/* Channels [first, end) of rows [begin, begin + rows): one group of one picture. */
static void reference_group(const node *n, const reference_values *v, int64_t begin, int64_t rows,
                            int64_t first, int64_t end) {
  const double count = (double)(rows * (end - first));
  double mean = 0, variance = 0;
  for (int64_t row = begin; row < begin + rows; row++)
    for (int64_t c = first; c < end; c++) mean += reference_joined(n, v, row, c) / count;
  for (int64_t row = begin; row < begin + rows; row++)
    for (int64_t c = first; c < end; c++)
      variance += pow(reference_joined(n, v, row, c) - mean, 2) / count;
  const double factor = 1 / sqrt(variance + (double)n->args.eps);
  for (int64_t row = begin; row < begin + rows; row++)
    for (int64_t c = first; c < end; c++) {
      const double normed = (reference_joined(n, v, row, c) - mean) * factor;
      v->out[row * n->out->c + c] = reference_activate(
          normed * v->weights[WEIGHT_MAIN][c] + v->weights[WEIGHT_BIAS][c], n->args.act);
    }
}

/* x|y [n][h*w][c], scale and shift [c] -> out [n][h*w][c] */
static void reference_group_norm(const node *n, const reference_values *v) {
  const int64_t pixels = (int64_t)n->out->h * n->out->w, width = n->out->c / n->args.groups;
  for (int32_t picture = 0; picture < n->out->n; picture++)
    for (int32_t group = 0; group < n->args.groups; group++)
      reference_group(n, v, picture * pixels, pixels, group * width, (group + 1) * width);
}

/* ---- products ---- */

/* Row `row` of x [rows][k] with row `o` of W [..][k], and its bias. */
static double reference_dot(const node *n, const reference_values *v, int64_t row, int64_t o) {
  const int64_t k = n->in[IN_X]->c;
  double sum = v->weights[WEIGHT_BIAS] ? v->weights[WEIGHT_BIAS][o] : 0;
  for (int64_t i = 0; i < k; i++)
    sum += v->in[IN_X][row * k + i] * v->weights[WEIGHT_MAIN][o * k + i];
  return sum;
}

/* x [rows][k], W [out][k] or, with GEGLU, [values, then gates][k] -> out [rows][out] */
static void reference_linear(const node *n, const reference_values *v) {
  const int64_t channels = n->out->c;
  for (int64_t row = 0; row < tensor_rows(n->out); row++)
    for (int64_t o = 0; o < channels; o++) {
      const int64_t at = row * channels + o;
      double sum = reference_dot(n, v, row, o);
      if (n->args.act == ACT_GEGLU) sum *= reference_gelu(reference_dot(n, v, row, channels + o));
      if (v->in[IN_RESIDUAL]) sum += v->in[IN_RESIDUAL][at];
      v->out[at] = reference_activate(sum, n->args.act);
    }
}

/* Row of x that lies under position y, x of the padded and enlarged picture; -1: outside. */
static int64_t reference_source_row(const node *n, int32_t picture, int32_t y, int32_t x) {
  const tensor *in = n->in[IN_X], *out = n->out;
  const int32_t h = n->args.upsample ? out->h : in->h, w = n->args.upsample ? out->w : in->w;
  if (y < 0 || x < 0 || y >= h || x >= w) return -1;
  return ((int64_t)picture * in->h + y * in->h / h) * in->w + x * in->w / w;
}

/* Output channel o at out[picture][y][x], before bias and the like. W [out][in][kernel][kernel]. */
static double reference_taps(const node *n, const reference_values *v, int32_t picture, int32_t y,
                             int32_t x, int64_t o) {
  const int32_t kernel = n->weights[WEIGHT_MAIN]->kernel_h, channels = n->weights[WEIGHT_MAIN]->in;
  const double *w = v->weights[WEIGHT_MAIN] + o * channels * kernel * kernel;
  double sum = 0;
  for (int32_t ky = 0; ky < kernel; ky++)
    for (int32_t kx = 0; kx < kernel; kx++) {
      const int64_t row = reference_source_row(n, picture, y * n->args.stride - n->args.pad + ky,
                                               x * n->args.stride - n->args.pad + kx);
      for (int32_t i = 0; row >= 0 && i < channels; i++)
        sum += reference_joined(n, v, row, i) * w[(i * kernel + ky) * kernel + kx];
    }
  return sum;
}

/* x|y [n][h][w][in] -> out [n][oh][ow][out] */
static void reference_conv2d(const node *n, const reference_values *v) {
  const tensor *out = n->out, *add = n->in[IN_CHANNEL_ADD];
  for (int64_t row = 0; row < tensor_rows(out); row++)
    for (int64_t o = 0; o < out->c; o++) {
      const int32_t x = (int32_t)(row % out->w), y = (int32_t)(row / out->w % out->h);
      const int32_t picture = (int32_t)(row / out->w / out->h);
      double sum = reference_taps(n, v, picture, y, x, o);
      if (v->weights[WEIGHT_BIAS]) sum += v->weights[WEIGHT_BIAS][o];
      if (add) sum += v->in[IN_CHANNEL_ADD][(add->n == 1 ? 0 : picture) * out->c + o];
      if (v->in[IN_RESIDUAL]) sum += v->in[IN_RESIDUAL][row * out->c + o];
      v->out[row * out->c + o] = reference_activate(sum, n->args.act);
    }
}

/* ---- attention ---- */

/* Scaled product of one head of a query and a key. */
static double reference_score(const double *q, const double *k, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) sum += q[i] * k[i];
  return sum / sqrt((double)size);
}

/* One head, from channel c on, of query `row` against the first `keys` keys of row `source`.
 * Weights are measured from the largest score, so that none overflows. */
static void reference_attend(const node *n, const reference_values *v, int64_t row, int64_t source,
                             int64_t keys, int64_t c) {
  const int64_t channels = n->out->c, size = channels / n->args.heads;
  const int64_t first_key = source * n->in[IN_K]->h * n->in[IN_K]->w;
  const double *q = v->in[IN_Q] + row * channels + c;
  const double *k = v->in[IN_K] + first_key * channels + c;
  const double *values = v->in[IN_V] + first_key * channels + c;
  double *out = v->out + row * channels + c, largest = -INFINITY, total = 0;
  for (int64_t key = 0; key < keys; key++)
    largest = fmax(largest, reference_score(q, k + key * channels, size));
  for (int64_t key = 0; key < keys; key++) {
    const double share = exp(reference_score(q, k + key * channels, size) - largest);
    for (int64_t i = 0; i < size; i++) out[i] += share * values[key * channels + i];
    total += share;
  }
  for (int64_t i = 0; keys && i < size; i++) out[i] /= total;
}

/* q [n][tokens][c], k and v [m][keys][c], key_counts [m] -> out [n][tokens][c] */
static void reference_attention(const node *n, const reference_values *v) {
  const tensor *q = n->in[IN_Q], *k = n->in[IN_K];
  const int64_t tokens = (int64_t)q->h * q->w;
  for (int64_t i = 0; i < tensor_count(q); i++) v->out[i] = 0;
  for (int64_t row = 0; row < tensor_rows(q); row++) {
    const int64_t source = row / tokens * k->n / q->n;
    int64_t keys = (int64_t)k->h * k->w;
    if (v->in[IN_KEY_COUNTS]) keys = (int64_t)v->in[IN_KEY_COUNTS][source];
    if (n->args.causal && keys > row % tokens + 1) keys = row % tokens + 1;
    for (int64_t c = 0; c < q->c; c += q->c / n->args.heads)
      reference_attend(n, v, row, source, keys, c);
  }
}

/* ---- the table ---- */

typedef void (*reference_function)(const node *n, const reference_values *v);

static const reference_function REFERENCE_FUNCTIONS[OP_COUNT] = {
#define OP(name, tensors, cpu, metal, tolerance) reference_##name,
#include "graph/ops.def"
#undef OP
};

void reference_run(const node *n, const reference_values *v) { REFERENCE_FUNCTIONS[n->op](n, v); }
