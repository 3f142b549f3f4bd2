/* ops: owns the shape rule of each operator; knows no numbers and no backend. */
#include "graph/ops.h"

enum { PHASES_PIXELS = 4 }; /* of one channel: fewer are not worth the memory */

#include "graph/graph.h"

typedef struct op_row {
  const char *name;
  double tolerance;
} op_row;

static const op_row OP_ROWS[OP_COUNT] = {
#define OP(name, tensors, cpu, metal, tolerance) {#name, tolerance},
#include "graph/ops.def"
#undef OP
};

const char *ops_name(op_kind kind) { return OP_ROWS[kind].name; }
double ops_tolerance(op_kind kind) { return OP_ROWS[kind].tolerance; }

static tensor *ops_refuse(graph *g, op_kind kind, const char *why) {
  graph_fail(g, SD_BAD_MODEL, "%s: %s does not fit: %s", g->label, ops_name(kind), why);
  return &g->nothing;
}

/* Marks how the backend holds the weight; 0 if another op needs it in another way. */
static int ops_use(weight *w, weight_kind kind) {
  if (w->kind != WEIGHT_UNUSED) return w->kind == kind;
  w->kind = kind;
  w->out = (int32_t)w->shape[0];
  w->in = (int32_t)w->shape[1];
  w->kernel_h = (int32_t)w->shape[2];
  w->kernel_w = (int32_t)w->shape[3];
  return 1;
}

static int ops_use_vector(weight *w, int32_t count) {
  return ops_use(w, WEIGHT_VECTOR) && w->rank == 1 && w->shape[0] == count;
}

static int ops_same_shape(const tensor *a, const tensor *b) {
  return a->n == b->n && tensor_rows(a) == tensor_rows(b) && a->c == b->c;
}

tensor *ops_arange(graph *g, float start, float step, int32_t count, sd_dtype dtype) {
  tensor *out = graph_tensor(g, dtype, 1, 1, 1, count);
  return graph_append(g,
                      (node){.op = OP_arange, .out = out, .args = {.start = start, .step = step}});
}

tensor *ops_timestep_embedding(graph *g, tensor *t, int32_t dim) {
  if (t->c != 1 || t->dtype != SD_F32 || dim % 2)
    return ops_refuse(g, OP_timestep_embedding, "one f32 timestep a row and an even width");
  tensor *out = graph_tensor(g, g->dtype, t->n, 1, 1, dim);
  return graph_append(g, (node){.op = OP_timestep_embedding, .out = out, .in = {t}});
}

tensor *ops_embedding(graph *g, tensor *ids, weight *table, tensor *extra) {
  if (ids->dtype != SD_I32 || table->rank != 2 || !ops_use(table, WEIGHT_TABLE))
    return ops_refuse(g, OP_embedding, "ids and a table of rows are needed");
  if (extra && (extra->dtype != SD_F32 || extra->c != table->shape[1]))
    return ops_refuse(g, OP_embedding, "the extra rows have another width");
  tensor *out = graph_tensor(g, g->dtype, ids->n, 1, ids->w * ids->c, (int32_t)table->shape[1]);
  return graph_append(
      g, (node){.op = OP_embedding, .out = out, .in = {ids, extra}, .weights = {table}});
}

tensor *ops_add(graph *g, tensor *x, tensor *y) {
  int broadcast = y->n == 1 && y->h == x->h && y->w == x->w && y->c == x->c;
  if (!broadcast && !ops_same_shape(x, y)) return ops_refuse(g, OP_add, "shapes differ");
  tensor *out = graph_tensor(g, g->dtype, x->n, x->h, x->w, x->c);
  return graph_append(g, (node){.op = OP_add, .out = out, .in = {x, y}});
}

tensor *ops_activation(graph *g, tensor *x, activation act) {
  if (act == ACT_GEGLU) return ops_refuse(g, OP_activation, "GEGLU belongs to linear");
  tensor *out = graph_tensor(g, g->dtype, x->n, x->h, x->w, x->c);
  return graph_append(g, (node){.op = OP_activation, .out = out, .in = {x}, .args = {.act = act}});
}

tensor *ops_cast(graph *g, tensor *x, sd_dtype dtype) {
  if (x->dtype == dtype) return x;
  if (dtype != SD_F32 && dtype != SD_F16 && dtype != SD_BF16)
    return ops_refuse(g, OP_cast, "f32, f16 or bf16 is needed");
  tensor *out = graph_tensor(g, dtype, x->n, x->h, x->w, x->c);
  return graph_append(g, (node){.op = OP_cast, .out = out, .in = {x}});
}

tensor *ops_latent_rgb(graph *g, tensor *x, tensor *map) {
  if (x->c > OPS_LATENT_CHANNELS || map->dtype != SD_F32 || tensor_rows(map) != x->c + 1 ||
      map->c != OPS_COLORS)
    return ops_refuse(g, OP_latent_rgb, "a row of three colours for each channel and one to add");
  tensor *out = graph_tensor(g, SD_F32, x->n, x->h, x->w, OPS_COLORS);
  return graph_append(g, (node){.op = OP_latent_rgb, .out = out, .in = {x, map}});
}

tensor *ops_layer_norm(graph *g, tensor *x, weight *scale, weight *shift, float eps) {
  if (!ops_use_vector(scale, x->c) || !ops_use_vector(shift, x->c))
    return ops_refuse(g, OP_layer_norm, "scale and shift need one number a channel");
  tensor *out = graph_tensor(g, g->dtype, x->n, x->h, x->w, x->c);
  return graph_append(g, (node){.op = OP_layer_norm,
                                .out = out,
                                .in = {x},
                                .weights = {scale, shift},
                                .args = {.eps = eps}});
}

tensor *ops_group_norm(graph *g, tensor *x, tensor *y, weight *scale, weight *shift, int32_t groups,
                       float eps, activation act) {
  int32_t channels = x->c + (y ? y->c : 0);
  if (y && (y->n != x->n || y->h != x->h || y->w != x->w))
    return ops_refuse(g, OP_group_norm, "the two sources differ in size");
  if (groups < 1 || channels % groups)
    return ops_refuse(g, OP_group_norm, "channels are no multiple of the groups");
  if (!ops_use_vector(scale, channels) || !ops_use_vector(shift, channels))
    return ops_refuse(g, OP_group_norm, "scale and shift need one number a channel");
  tensor *out = graph_tensor(g, g->dtype, x->n, x->h, x->w, channels);
  return graph_append(g, (node){.op = OP_group_norm,
                                .out = out,
                                .in = {x, y},
                                .weights = {scale, shift},
                                .args = {.groups = groups, .eps = eps, .act = act}});
}

/* What the weight is multiplied as in this graph; y may be NULL. */
static void ops_choose_numbers(const graph *g, weight *w, const tensor *x, const tensor *y) {
  w->in_blocks = x->c % OPS_BF16_BLOCK == 0 && (!y || y->c % OPS_BF16_BLOCK == 0);
  w->in_bf16 = g->dtype == SD_BF16;
  w->in_phases = 0;
}

/* Phases save 5 of 9 products and take 16 taps' memory for 9: where pixels are many for the
 * channels, as in a decoder. */
static int ops_suits_phases(const conv_inputs *in) {
  const tensor *x = in->x;
  const weight *w = in->w;
  return w->in_bf16 && w->in_blocks && in->upsample && !in->y && w->kernel_h == 3 && in->pad == 1 &&
         in->stride == 1 && in->out_h == 2 * x->h && in->out_w == 2 * x->w &&
         (int64_t)x->h * x->w >= (int64_t)PHASES_PIXELS * x->c;
}

tensor *ops_linear(graph *g, tensor *x, weight *w, weight *bias, tensor *residual, activation act) {
  int geglu = act == ACT_GEGLU;
  if (!ops_use(w, geglu ? WEIGHT_GEGLU : WEIGHT_MATRIX) || w->kernel_h != 1 || w->kernel_w != 1 ||
      w->in != x->c || (geglu && (w->out % 2 || residual)))
    return ops_refuse(g, OP_linear, w->name);
  if (bias && !ops_use_vector(bias, w->out)) return ops_refuse(g, OP_linear, bias->name);
  int32_t channels = geglu ? w->out / 2 : w->out;
  ops_choose_numbers(g, w, x, NULL);
  if (residual && (tensor_rows(residual) != tensor_rows(x) || residual->c != channels))
    return ops_refuse(g, OP_linear, "the residual has another shape");
  tensor *out = graph_tensor(g, g->dtype, x->n, x->h, x->w, channels);
  return graph_append(g, (node){.op = OP_linear,
                                .out = out,
                                .in = {[IN_X] = x, [IN_RESIDUAL] = residual},
                                .weights = {w, bias},
                                .args = {.act = act}});
}

static const char *ops_conv2d_fault(const conv_inputs *in) {
  const weight *w = in->w;
  int32_t kernel = w->kernel_h, channels = in->x->c + (in->y ? in->y->c : 0);
  if (kernel != w->kernel_w || (kernel != 1 && kernel != 3)) return w->name;
  if (w->in != channels) return w->name;
  if (in->y && (in->y->n != in->x->n || in->y->h != in->x->h || in->y->w != in->x->w))
    return "the two sources differ in size";
  if (in->stride < 1 || in->stride > 2 || in->pad < 0 || in->pad >= kernel) return "the stride";
  const tensor *r = in->residual, *add = in->channel_add;
  if (r && (r->n != in->x->n || r->h != in->out_h || r->w != in->out_w || r->c != w->out))
    return "the residual has another shape";
  if (add && ((add->n != 1 && add->n != in->x->n) || add->h * add->w != 1 || add->c != w->out))
    return "the channel add has another shape";
  if (in->act == ACT_GEGLU) return "GEGLU belongs to linear";
  return NULL;
}

tensor *ops_conv2d(graph *g, const conv_inputs *in) {
  if (!ops_use(in->w, WEIGHT_MATRIX)) return ops_refuse(g, OP_conv2d, in->w->name);
  const char *fault = ops_conv2d_fault(in);
  if (!fault && in->bias && !ops_use_vector(in->bias, in->w->out)) fault = in->bias->name;
  if (fault) return ops_refuse(g, OP_conv2d, fault);
  ops_choose_numbers(g, in->w, in->x, in->y);
  in->w->in_phases = ops_suits_phases(in);
  tensor *out = graph_tensor(g, g->dtype, in->x->n, in->out_h, in->out_w, in->w->out);
  return graph_append(
      g,
      (node){.op = OP_conv2d,
             .out = out,
             .in = {in->x, in->y, in->residual, in->channel_add},
             .weights = {in->w, in->bias},
             .args = {
                 .act = in->act, .stride = in->stride, .pad = in->pad, .upsample = in->upsample}});
}

tensor *ops_attention(graph *g, tensor *q, tensor *k, tensor *v, tensor *key_counts, int32_t heads,
                      int32_t causal) {
  if (heads < 1 || q->c % heads || k->c != q->c || v->c != q->c)
    return ops_refuse(g, OP_attention, "channels are no multiple of the heads");
  if (k->n != v->n || tensor_rows(k) != tensor_rows(v) || q->n % k->n)
    return ops_refuse(g, OP_attention, "keys and values differ in size");
  if (key_counts && (key_counts->dtype != SD_I32 || tensor_count(key_counts) != k->n))
    return ops_refuse(g, OP_attention, "one key count a row is needed");
  tensor *out = graph_tensor(g, g->dtype, q->n, q->h, q->w, q->c);
  return graph_append(g, (node){.op = OP_attention,
                                .out = out,
                                .in = {q, k, v, key_counts},
                                .args = {.heads = heads, .causal = causal}});
}
