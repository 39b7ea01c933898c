/**
 * Who may hold how much of something bounded that several want: the bytes of a buffer pool, the places of a table.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A <em>whole</em> is the bound. Each of those who want of it has a {@link dev.sluice.stack.share.Share}, a part of the whole, which may be
 * divided again: in the gateway the parts of a whole are links, and those of a link are the machines behind it. A part only counts what it
 * holds, and its wholes count with it; what is held, and where it lies, it does not know.
 *
 * <p><b>Thresholds.</b> They are dynamic (Choudhury and Hahne, IEEE/ACM ToN 6(2), 1998): a part may hold a factor times what is free of its
 * whole. With a factor f, one who is alone gets f/(f+1) of the whole, n who are greedy get f/(1+nf) each, and something always stays free
 * for the next, who, by the same rule, stops the others from growing first. Nothing needs to know how many there are. Of a part of a part,
 * the free is what its whole may still hold; but the only part of a part has all that its whole may have.
 *
 * <p><b>Guarantee.</b> What is free for the next shrinks with each that comes. So below a minimum (a 64th of the bound; an equal part of half
 * of it where more than 32 want; divided by the machines behind one link) thresholds do not apply: only the bound does. The last
 * 64th of it is kept for that, so that what others give back is not gone before those come who have least. The minimums
 * together are at most half of the bound; so if there is nothing left for one who is below its own, others hold more than theirs, and whoever
 * owns the things held takes some back from the one who holds most ({@code gateway.tcp} does that for buffers).
 *
 * <p><b>Cost.</b> To take and to give is an addition for each level; to ask, a few multiplications. Nothing is allocated, and no number of others
 * makes it slower. Confined to one thread.
 */
@NullMarked
package dev.sluice.stack.share;

import org.jspecify.annotations.NullMarked;
