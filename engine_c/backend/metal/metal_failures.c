/* metal failures: see metal_failures.h. */
#include "backend/metal/metal_failures.h"

#include "base/error.h"

typedef struct failure_row {
  int64_t code; /* of MTLCommandBufferError */
  sd_status status;
  const char *sentence;
} failure_row;

/* Lost: the system goes on to refuse this process, until it is started anew. */
static const failure_row FAILURE_ROWS[] = {
    {1, SD_BACKEND_FAILED, "the GPU's driver failed: try again"},
    {2, SD_BACKEND_FAILED,
     "macOS stopped the GPU because a part took too long: close other programs that use it, or "
     "make the picture smaller"},
    {3, SD_BACKEND_FAILED, "the GPU read memory that was not there: please report this"},
    {4, SD_BACKEND_LOST,
     "macOS lets this process use the GPU no more: the engine must be restarted"},
    {7, SD_BACKEND_FAILED, "macOS does not let this process use the GPU in the background"},
    {8, SD_OUT_OF_MEMORY,
     "the GPU ran out of memory: make the picture smaller or close other programs"},
    {9, SD_BACKEND_FAILED, "the GPU was given memory that is gone: please report this"},
    {10, SD_BACKEND_FAILED, "the GPU refused its memory: please report this"},
    {11, SD_BACKEND_LOST, "the GPU is gone: the engine must be restarted"},
    {12, SD_BACKEND_FAILED, "the GPU ran out of stack: please report this"},
};

/* Of MTLCommandEncoderErrorState: whether the layer is to blame. */
static const struct {
  int64_t state;
  const char *words;
} STATE_ROWS[] = {
    {1, " had ended"},
    {2, " was hit by another's fault"},
    {3, " had not begun"},
    {4, " faulted"},
};

sd_status metal_failure(sd_error *error, const metal_outcome *outcome, const char *label) {
  const failure_row unknown = {0, SD_BACKEND_FAILED, "the GPU failed: try again"};
  const failure_row *row = &unknown;
  const char *state = "";
  for (size_t i = 0; i < sizeof FAILURE_ROWS / sizeof FAILURE_ROWS[0]; i++)
    if (FAILURE_ROWS[i].code == outcome->code) row = &FAILURE_ROWS[i];
  for (size_t i = 0; i < sizeof STATE_ROWS / sizeof STATE_ROWS[0]; i++)
    if (STATE_ROWS[i].state == outcome->encoder) state = STATE_ROWS[i].words;
  return error_set(error, row->status, "%s (%.48s%s; %.64s)", row->sentence, label, state,
                   outcome->text);
}
