/* metal device: of a build without Metal. */
#include "backend/metal/metal_device.h"

const metal_device_table *metal_device_here(void) { return NULL; }
