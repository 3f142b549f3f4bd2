#include "findings.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>

Findings msl_findings;

namespace {

/* The folder that compile.py gives the sources of kernels; the shim's own are elsewhere. */
const char kSources[] = "kernel/";
const char *const kSymbolizers[] = {"llvm-symbolizer-19", "llvm-symbolizer-20",
                                    "llvm-symbolizer-18", "llvm-symbolizer"};

std::string first_place(const std::string &command) {
  FILE *output = popen(command.c_str(), "r");
  std::string found;
  char line[512];
  while (output && fgets(line, sizeof line, output)) {
    line[strcspn(line, "\n")] = 0;
    size_t folder = strlen(kSources);
    if (found.empty() && !strncmp(line, kSources, folder)) found = line + folder;
  }
  if (output) pclose(output);
  return found;
}

}  // namespace

std::string source_place(const void *site) {
  Dl_info info;
  if (!site || !dladdr(site, &info) || !info.dli_fname) return "";
  unsigned long offset = (unsigned long)site - 1 - (unsigned long)info.dli_fbase;
  for (const char *symbolizer : kSymbolizers) {
    char command[800];
    snprintf(command, sizeof command, "%s --obj='%s' -f=none -i 0x%lx 2>/dev/null", symbolizer,
             info.dli_fname, offset);
    std::string place = first_place(command);
    if (!place.empty()) return place;
  }
  return "";
}

void Findings::clear() {
  std::lock_guard<std::mutex> lock(mutex_);
  count_ = 0;
  outside_ = false;
  text_.clear();
  seen_.clear();
}

void Findings::add(const char *kind, const std::string &message, const void *site,
                   const msl_kernel *kernel, const uint32_t *group, uint32_t thread) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::pair<const void *, std::string> place(site, kind);
  if (site && std::find(seen_.begin(), seen_.end(), place) != seen_.end()) return;
  seen_.push_back(place);
  outside_ |= !strcmp(kind, "out of bounds");
  if (++count_ > kMost) return;
  std::string where = source_place(site);
  char thread_text[160];
  snprintf(thread_text, sizeof thread_text, " [kernel %.60s, threadgroup (%u,%u,%u), thread %u]\n",
           kernel->name, group[0], group[1], group[2], thread);
  text_ += where + (where.empty() ? "" : ": ") + kind + ": " + message + thread_text;
}

int Findings::count() {
  std::lock_guard<std::mutex> lock(mutex_);
  return count_;
}

msl_fault_kind Findings::kind() {
  std::lock_guard<std::mutex> lock(mutex_);
  return !count_ ? MSL_NO_FAULT : outside_ ? MSL_OUTSIDE : MSL_MISTAKE;
}

std::string Findings::text() {
  std::lock_guard<std::mutex> lock(mutex_);
  return text_;
}
