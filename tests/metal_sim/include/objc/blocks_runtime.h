/* GNUstep's Foundation.h asks for libobjc2's blocks; libBlocksRuntime has them too. */
#pragma once
#include <Block.h>
