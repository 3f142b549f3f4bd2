/* error: owns how a sentence gets into the caller's sd_error; knows no other room. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

sd_status error_set(sd_error *error, sd_status status, const char *format, ...) {
  if (!error) return status;
  error->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return status;
}

sd_status error_clear(sd_error *error) {
  if (error) *error = (sd_error){.status = SD_OK};
  return SD_OK;
}
