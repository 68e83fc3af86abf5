// The left pane: what was seen in the image, and the 3D pose projected back onto it.

function drawImage(canvas, result, state) {
  const { context, width, height } = freshCanvas(canvas);
  const [w, h] = result.image;
  const margin = 10;
  const top = 26;
  const scale = Math.min((width - 2 * margin) / w, (height - top - margin) / h);
  if (scale <= 0) return;
  const left = (width - scale * w) / 2;
  const upper = top + (height - top - margin - scale * h) / 2;
  context.fillStyle = theme.frame;
  context.fillRect(left, upper, scale * w, scale * h);
  const place = (p) => p && [left + scale * p[0], upper + scale * p[1]];
  for (let person = 0; person < result.people; person++) {
    if (result.seen) drawSeen(context, result, state.frame, person, place);
    if (result.arrays.reprojected && state.show.reprojection) {
      drawReprojected(context, result, state.frame, person, place);
    }
  }
}

function drawSeen(context, result, frame, person, place) {
  const joints = vectors(result, 'keypoints', frame, person, 2).map(place);
  const score = vectors(result, 'score', frame, person, 1).map((v) => (v ? Math.max(v[0], 0.12) : 1));
  for (const [from, to, side] of result.seen.bones) {
    if (!joints[from] || !joints[to]) continue;
    context.globalAlpha = Math.min(score[from], score[to]);
    if (result.people > 1) line(context, joints[from], joints[to], personColour(person), 7);
    line(context, joints[from], joints[to], theme[side], 3);
  }
  joints.forEach((p, i) => {
    if (!p) return;
    context.globalAlpha = score[i];
    disc(context, p, 3.2, theme[result.seen.sides[i]]);
  });
  context.globalAlpha = 1;
  const head = result.people > 1 && topmost(joints);
  if (head) label(context, String(person + 1), [head[0], head[1] - 10], personColour(person));
}

function drawReprojected(context, result, frame, person, place) {
  const joints = vectors(result, 'reprojected', frame, person, 2).map(place);
  context.setLineDash([4, 4]);
  for (const [from, to] of result.skeleton.bones) {
    if (joints[from] && joints[to]) line(context, joints[from], joints[to], theme.ink, 1.3);
  }
  context.setLineDash([]);
  context.strokeStyle = theme.ink;
  context.lineWidth = 1.3;
  for (const p of joints) {
    if (!p) continue;
    context.beginPath();
    context.arc(p[0], p[1], 3.5, 0, 2 * Math.PI);
    context.stroke();
  }
}
