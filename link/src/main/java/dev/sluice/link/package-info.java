/** Where frames come from: TAP, vmnet, QEMU, BESS, unixgram; and the switch between them. */
@NullMarked
package dev.sluice.link;

import org.jspecify.annotations.NullMarked;
