/* self_test_probe: runs the start-up check on a CPU backend that has one fault, so that a test can
 * see the check find it. test_self_test.py hands the part between the marker lines to cffi. */
#include "backend/self_test.h"

#include <math.h>

#include "backend/cpu/cpu_backend.h"
#include "base/half.h"

/* binding begins */

/* What is wrong with the backend: one number of the output, or an argument that it does not heed.
 */
typedef enum probe_fault {
  PROBE_NO_FAULT,
  PROBE_NUMBER,
  PROBE_NAN,
  PROBE_STATUS,
  PROBE_ACT,
  PROBE_GROUPS,
  PROBE_HEADS,
  PROBE_CAUSAL,
  PROBE_STRIDE,
  PROBE_PAD,
  PROBE_UPSAMPLE,
  PROBE_Y,
  PROBE_RESIDUAL,
  PROBE_CHANNEL_ADD,
  PROBE_KEY_COUNTS,
  PROBE_BIAS
} probe_fault;

typedef struct probe_check {
  int32_t isa, threads, capacity;
  int32_t stop; /* what the backend finds in its flag */
  probe_fault fault;
  int32_t op;            /* the faulty operator */
  sd_dtype storage;      /* PROBE_NUMBER, PROBE_NAN: outputs of this dtype alone */
  sd_status status;      /* PROBE_STATUS: what run returns */
  int64_t before, after; /* out: bytes held before and after the check */
} probe_check;

sd_status probe_self_test(sd_op_check *rows, int32_t *count, probe_check *check, sd_error *error);

/* binding ends */

typedef struct faulty_table {
  backend_table table; /* first: what the backend points to */
  const backend_table *sound;
  const probe_check *check;
} faulty_table;

/* The last number 1 % off, 4 % in bf16, which is rounded by half a per cent, and 1 where it is an
 * integer. */
static void probe_spoil_number(void *at, sd_dtype dtype, probe_fault fault) {
  float number;
  half_unpack(&number, at, dtype, 1);
  const float share = dtype == SD_BF16 ? 0.04f : 0.01f;
  number = fault == PROBE_NAN ? NAN : number + share * (1 + fabsf(number));
  if (dtype == SD_I32)
    *(int32_t *)at += 1;
  else
    half_pack(at, &number, dtype, 1);
}

static void probe_spoil_node(node *n, probe_fault fault) {
  const int is_attention = n->op == OP_attention;
  if (fault == PROBE_ACT) n->args.act = ACT_NONE;
  if (fault == PROBE_GROUPS) n->args.groups = 1;
  if (fault == PROBE_HEADS) n->args.heads = 1;
  if (fault == PROBE_CAUSAL) n->args.causal = 0;
  if (fault == PROBE_STRIDE) n->args.stride = 1;
  if (fault == PROBE_PAD) n->args.pad = 1;
  if (fault == PROBE_UPSAMPLE) n->args.upsample = 0;
  if (fault == PROBE_Y) n->in[IN_Y] = NULL;
  if (fault == PROBE_RESIDUAL) n->in[IN_RESIDUAL] = NULL;
  if (fault == PROBE_CHANNEL_ADD && !is_attention) n->in[IN_CHANNEL_ADD] = NULL;
  if (fault == PROBE_KEY_COUNTS && is_attention) n->in[IN_KEY_COUNTS] = NULL;
  if (fault == PROBE_BIAS) n->weights[WEIGHT_BIAS] = NULL;
}

/* A case is a graph of one node. */
static sd_status probe_run(backend *b, const graph *g, run_report *report, sd_error *error) {
  const faulty_table *faulty = (const faulty_table *)(const void *)b->table;
  const probe_check *check = faulty->check;
  if (g->nodes[0].op != (op_kind)check->op) return faulty->sound->run(b, g, report, error);
  if (check->fault == PROBE_STATUS) return check->status;
  graph copy = *g;
  node spoilt = g->nodes[0];
  copy.nodes = &spoilt;
  probe_spoil_node(&spoilt, check->fault);
  sd_status status = faulty->sound->run(b, &copy, report, error);
  const tensor *out = spoilt.out;
  const int is_number = check->fault == PROBE_NUMBER || check->fault == PROBE_NAN;
  if (is_number && out->dtype == check->storage)
    probe_spoil_number((char *)b->table->address(b, out) +
                           (tensor_count(out) - 1) * (int64_t)half_dtype_bytes(out->dtype),
                       out->dtype, check->fault);
  return status;
}

static int64_t probe_held_bytes(const backend *b) {
  sd_device_info info;
  b->table->device(&info, b);
  return info.allocated_bytes;
}

sd_status probe_self_test(sd_op_check *rows, int32_t *count, probe_check *check, sd_error *error) {
  const atomic_int stop = check->stop;
  backend *b;
  sd_status status = cpu_backend_open(&b, check->threads, check->isa, &stop, error);
  if (status) return status;
  const backend_table *sound = b->table;
  faulty_table faulty = {*sound, sound, check};
  faulty.table.run = probe_run;
  b->table = &faulty.table;
  check->before = probe_held_bytes(b);
  status = self_test_run(rows, count, b, check->capacity, error);
  check->after = probe_held_bytes(b);
  b->table->close(b);
  return status;
}
