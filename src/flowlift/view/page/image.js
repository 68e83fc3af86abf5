// The left pane: what was seen in the image, over the video where there is one, and the 3D projected back onto it.

// Where the image lies in the pane, px.
function imagePlace(result, width, height) {
  const [w, h] = result.image;
  const [margin, top] = [10, 30];
  const scale = Math.max(Math.min((width - 2 * margin) / w, (height - top - margin) / h), 0);
  return { left: (width - scale * w) / 2, upper: top + (height - top - margin - scale * h) / 2, scale, width: scale * w, height: scale * h };
}

function drawImage(canvas, result, state) {
  const { context, width, height } = freshCanvas(canvas);
  const at = imagePlace(result, width, height);
  if (at.scale <= 0) return;
  const filmed = state.filmed && state.show.video;
  if (!filmed) {
    context.fillStyle = theme.frame;
    context.fillRect(at.left, at.upper, at.width, at.height);
  }
  const place = (p) => p && [at.left + at.scale * p[0], at.upper + at.scale * p[1]];
  for (let person = 0; person < result.people; person++) {
    const faint = isChosen(state, person) ? 1 : 0.3;
    if (result.seen) drawSeen(context, result, state, person, place, faint, filmed);
    if (result.camera && state.show.reprojection) drawReprojected(context, result, state.frame, person, place, faint, filmed);
  }
}

function drawSeen(context, result, state, person, place, faint, filmed) {
  const joints = vectors(result, 'keypoints', state.frame, person, 2).map(place);
  const score = vectors(result, 'score', state.frame, person, 1).map((v) => faint * (v ? Math.max(v[0], 0.12) : 1));
  for (const [from, to, side] of result.seen.bones) {
    if (!joints[from] || !joints[to]) continue;
    context.globalAlpha = Math.min(score[from], score[to]);
    if (result.people > 1) line(context, joints[from], joints[to], personColour(person), 7);
    else if (filmed) line(context, joints[from], joints[to], 'rgb(0 0 0 / 0.45)', 5);
    line(context, joints[from], joints[to], theme[side], 3);
  }
  joints.forEach((p, i) => {
    if (!p) return;
    context.globalAlpha = score[i];
    disc(context, p, 3.2, theme[result.seen.sides[i]]);
  });
  context.globalAlpha = faint;
  const head = result.people > 1 && topmost(joints);
  if (head) label(context, String(person), [head[0], head[1] - 10], personColour(person));
  context.globalAlpha = 1;
}

// Dashes in ink over a wider line of paper: to be seen on any picture.
function drawReprojected(context, result, frame, person, place, faint, filmed) {
  const joints = joints3D(result, frame, person).map((p) => place(project(result.camera, p)));
  const strokes = filmed ? [['rgb(0 0 0 / 0.6)', 2.6], ['rgb(255 255 255)', 1.3]] : [[theme.ink, 1.3]];
  context.globalAlpha = faint;
  for (const [colour, width] of strokes) {
    context.setLineDash([4, 4]);
    for (const [from, to] of result.skeleton.bones) {
      if (joints[from] && joints[to]) line(context, joints[from], joints[to], colour, width);
    }
    context.setLineDash([]);
    context.strokeStyle = colour;
    context.lineWidth = width;
    for (const p of joints) {
      if (!p) continue;
      context.beginPath();
      context.arc(p[0], p[1], 3.5, 0, 2 * Math.PI);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}
