/**
 * The face of slirp4netns: its command line, ready and exit descriptors, and API socket.
 */
@NullMarked
package dev.sluice.cli.face.slirp4netns;

import org.jspecify.annotations.NullMarked;
