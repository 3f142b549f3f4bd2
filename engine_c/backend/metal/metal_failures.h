/* metal failures: what went wrong with a command buffer, as a status and a sentence that a user can
 * act on. Owns the table of codes. */
#ifndef METAL_FAILURES_H
#define METAL_FAILURES_H

#include "backend/metal/metal_device.h"

/* label: the layer at which the command buffer began. */
sd_status metal_failure(sd_error *error, const metal_outcome *outcome, const char *label);

#endif
