/* Makes blocks Objective-C objects. libBlocksRuntime leaves the classes of blocks as zeroed arrays
   of 32 words, and GCC's runtime knows nothing of them: `[block copy]` would crash. */
#include <Block.h>
#import <Foundation/Foundation.h>
#include <pthread.h>
#include <string.h>

#include "objects.h"

extern void *_NSConcreteStackBlock[32], *_NSConcreteMallocBlock[32], *_NSConcreteGlobalBlock[32];

/* libobjc 4's struct objc_class. */
enum { CLASS_WORDS = 17 };

@interface SimBlock : NSObject
@end

@implementation SimBlock
- (id)copy {
  return (id)Block_copy((void *)self);
}
- (id)copyWithZone:(NSZone *)zone {
  (void)zone;
  return (id)Block_copy((void *)self);
}
- (id)retain {
  return (id)Block_copy((void *)self);
}
- (oneway void)release {
  Block_release((void *)self);
}
- (id)autorelease {
  [NSAutoreleasePool addObject:self];
  return self;
}
- (NSUInteger)retainCount {
  return 1;
}
@end

static void install(void) {
  /* A first message makes the runtime fill in the class. `release` is not inherited. */
  SimBlock *first = class_createInstance([SimBlock class], 0);
  [first hash];
  object_dispose(first);
  void *class_words = (void *)[SimBlock class];
  memcpy(_NSConcreteStackBlock, class_words, CLASS_WORDS * sizeof(void *));
  memcpy(_NSConcreteMallocBlock, class_words, CLASS_WORDS * sizeof(void *));
  memcpy(_NSConcreteGlobalBlock, class_words, CLASS_WORDS * sizeof(void *));
}

/* GNUstep is not ready for this in +load or a constructor. */
void sim_install_blocks(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
}
