/** A TCP/IP host on a link, with a socket-like API. */
@NullMarked
package dev.sluice.net;

import org.jspecify.annotations.NullMarked;
