@NullMarked
package dev.sluice.stack.ip;

import org.jspecify.annotations.NullMarked;
