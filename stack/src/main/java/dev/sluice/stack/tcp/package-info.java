@NullMarked
package dev.sluice.stack.tcp;

import org.jspecify.annotations.NullMarked;
